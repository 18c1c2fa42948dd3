/** Compiles native addons, in one call of the C++ compiler each: tfjs-node's own against a TensorFlow library. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { NAPI_VERSION, nodeApiHeaders, tfjsNodeFolder } from '../paths.ts';
import { run } from '../run.ts';

/** From the addon's place in tfjs-node to the libraries' place. */
const RUN_PATH = '$ORIGIN/../../deps/lib';

export interface AddonInputs {
  /** Folder of libtensorflow_cc.so.2 and libtensorflow_framework.so.2. */
  readonly libraries: string;
  /** Folder that holds TensorFlow's `tensorflow/c/…` headers. */
  readonly headers: string;
}

/** @throws {NativeError} when the compiler fails, quoting it */
export async function compileAddon(
  compiler: string,
  output: string,
  inputs: AddonInputs,
): Promise<void> {
  const sources = join(tfjsNodeFolder, 'binding');
  const files = (await readdir(sources)).filter((file) => file.endsWith('.cc'));
  await compileModule(
    compiler,
    output,
    files.map((file) => join(sources, file)),
    [
      ...['-I', inputs.headers],
      ...['-L', inputs.libraries, '-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2'],
      `-Wl,-rpath,${RUN_PATH}`,
    ],
  );
}

/**
 * Compiles C++ sources into a module that Node loads.
 * @param flags further ones, for headers and libraries beside Node's
 * @throws {NativeError} when the compiler fails, quoting it
 */
export async function compileModule(
  compiler: string,
  output: string,
  sources: readonly string[],
  flags: readonly string[] = [],
): Promise<void> {
  await run(compiler, [
    ...['-std=c++17', '-O2', '-fPIC', '-shared', '-w', `-DNAPI_VERSION=${NAPI_VERSION}`],
    ...['-I', nodeApiHeaders, ...sources, ...flags, '-s', '-o', output],
  ]);
}
