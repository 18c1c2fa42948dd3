/**
 * Compiles the WebAssembly kernels in assembly/ (AssemblyScript): `npm run kernels` writes the modules beside
 * their sources, where they are checked in. Needed in development only.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { main } from 'assemblyscript/asc';
import { type KernelName, kernelFile, kernelNames } from './kernels.ts';

const FLAGS = [
  // Higher levels move constants into loops, where V8 makes them again in each turn: up to twice the time.
  ...['--optimizeLevel', '1', '--shrinkLevel', '0'],
  ...['--runtime', 'stub', '--noAssert', '--importMemory', '--initialMemory', '1'],
  ...['--enable', 'simd', '--enable', 'relaxed-simd'],
];

/**
 * @returns the module's bytes
 * @throws {Error} with the compiler's messages when the source does not compile
 */
export async function compileKernel(name: KernelName): Promise<Uint8Array> {
  let compiled: Uint8Array | undefined;
  const { error, stderr } = await main([`${name}.ts`, '--outFile', 'out.wasm', ...FLAGS], {
    readFile: (file) =>
      readFile(join(import.meta.dirname, 'assembly', file), 'utf8').catch(() => null),
    writeFile: (_file, content) => {
      compiled = Buffer.from(content);
    },
  });
  if (error !== null || compiled === undefined) {
    throw new Error(`${name}.ts does not compile:\n${stderr.toString()}`, { cause: error });
  }
  return compiled;
}

if (import.meta.main) {
  for (const name of kernelNames) await writeFile(kernelFile(name), await compileKernel(name));
}
