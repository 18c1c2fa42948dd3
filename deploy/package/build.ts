/** Compiles the checkout into `dist/`: JavaScript, declarations of what is exported, and what is read at run time. */
import { execFile } from 'node:child_process';
import { cp, glob, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { errorClass } from '../../runtime/errors.ts';
import { packageFolder } from '../../runtime/installation.ts';
import { assets, leftOut, libraries, programs } from './contents.ts';
import { modulesReached } from './reached.ts';

const require = createRequire(import.meta.url);

export class PackageError extends errorClass('package') {}

/**
 * @param dependencies names of the packages that a consumer's npm installs
 * @throws {PackageError} when the sources do not compile, or import a package that a consumer lacks
 */
export async function buildPackage(dependencies: ReadonlySet<string>): Promise<void> {
  const dist = join(packageFolder, 'dist');
  await rm(dist, { recursive: true, force: true });
  await compile();
  const entrances = [...Object.values(programs), ...Object.values(libraries)];
  const scripts = await modulesReached(dist, entrances, '.js', leftOut);
  const missing = [...scripts.packages].filter(
    (name) => !name.startsWith('node:') && !dependencies.has(name),
  );
  if (missing.length > 0) {
    throw new PackageError(
      `The package imports what it does not depend on: ${missing.join(', ')}.`,
    );
  }
  const types = await modulesReached(dist, Object.values(libraries), '.d.ts', leftOut);
  await keepOnly(dist, new Set([...scripts.modules, ...types.modules]));
  for (const file of types.modules) await writePlainly(join(dist, file));
  for await (const file of glob([...assets], { cwd: packageFolder })) {
    if (!file.endsWith('.d.ts') && !file.endsWith('tsconfig.json')) await copyAsset(file, dist);
  }
  await copyAddonSource(join(dist, 'tfjs-node'));
}

async function compile(): Promise<void> {
  const typescript = dirname(require.resolve('typescript/package.json'));
  const project = join(import.meta.dirname, 'tsconfig.json');
  try {
    await promisify(execFile)(process.execPath, [join(typescript, 'bin/tsc'), '-p', project]);
  } catch (cause) {
    const { stdout = '' } = cause as { stdout?: string };
    throw new PackageError(`The sources do not compile:\n${stdout}`, { cause });
  }
}

async function keepOnly(dist: string, kept: ReadonlySet<string>): Promise<void> {
  for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(dist.length + 1).replaceAll('\\', '/');
    if (entry.isFile() && !kept.has(name)) await rm(path);
  }
}

/** Older compilers than ours follow no `.ts` in declarations, and know of arrays of only one kind of memory. */
async function writePlainly(path: string): Promise<void> {
  const text = await readFile(path, 'utf8');
  const plain = text
    .replace(/((?:\bfrom |\bimport\()'\.[^']+)\.ts'/g, "$1.js'")
    .replaceAll('Array<ArrayBufferLike>', 'Array');
  await writeFile(path, plain);
}

async function copyAsset(file: string, dist: string): Promise<void> {
  await mkdir(dirname(join(dist, file)), { recursive: true });
  await cp(join(packageFolder, file), join(dist, file));
}

/** What compiles the addon against TensorFlow's library; its files name their authors and license. */
async function copyAddonSource(target: string): Promise<void> {
  const source = require.resolve('@tensorflow/tfjs-node/package.json');
  const { name, version, license } = require(source) as Record<string, string>;
  await cp(join(dirname(source), 'binding'), join(target, 'binding'), { recursive: true });
  await cp(
    join(dirname(require.resolve('typescript/package.json')), 'LICENSE'),
    join(target, 'LICENSE'),
  );
  const manifest = { name, version, license, private: true };
  await writeFile(join(target, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}
