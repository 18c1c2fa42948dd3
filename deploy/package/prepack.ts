/**
 * npm runs it before it packs, with `restore` after: compiles the checkout into `dist/` (JavaScript,
 * declarations of what is exported, and what is read at run time), and puts the package.json of the built
 * package in place of the checkout’s, which runs TypeScript, while npm packs.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  copyFile,
  cp,
  glob,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, posix } from 'node:path';
import { promisify } from 'node:util';
import { errorClass } from '../../runtime/errors.ts';
import { packageFolder } from '../../runtime/installation.ts';
import {
  assets,
  checkoutManifestSchema,
  leftOut,
  libraries,
  packedManifest,
  programs,
} from './contents.ts';

const require = createRequire(import.meta.url);

class PackageError extends errorClass('package') {}

/**
 * @param dependencies names of the packages that a consumer's npm installs
 * @throws {PackageError} when the sources do not compile, or import a package that a consumer lacks
 */
async function buildPackage(dependencies: ReadonlySet<string>): Promise<void> {
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
    .replace(/((?:\bfrom |\bimport\()(['"])\.[^'"]+)\.ts\2/g, '$1.js$2')
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

/** `from './x.js'`, `import './x.js'`, `import('./x.js')`, and what another process is to run. */
const IMPORTED =
  /(?:^(?:import|export) (?:[^;'"=()]*? from )?|\bimport\(\s*|\bmodule(?:Url|Path)\(\s*)['"]([@\w./:-]+)['"]/gm;

export interface Reached {
  /** Paths from `folder`, the entrances among them. */
  readonly modules: ReadonlySet<string>;
  /** Names of the packages that they import. */
  readonly packages: ReadonlySet<string>;
}

/**
 * @param ending of the files to follow: `.js`, or `.d.ts` for declarations
 * @param leftOut paths that are not followed
 */
async function modulesReached(
  folder: string,
  entrances: readonly string[],
  ending: '.js' | '.d.ts',
  leftOut: RegExp,
): Promise<Reached> {
  const modules = new Set<string>();
  const packages = new Set<string>();
  const waiting = entrances.map((entrance) => entrance + ending);
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (modules.has(file) || leftOut.test(file)) continue;
    modules.add(file);
    const text = await readFile(join(folder, file), 'utf8');
    for (const [, specifier] of withoutComments(text).matchAll(IMPORTED)) {
      if (!specifier!.startsWith('.')) packages.add(packageOf(specifier!));
      else waiting.push(posix.join(posix.dirname(file), specifier!.replace(/\.[jt]s$/, ending)));
    }
  }
  return { modules, packages };
}

function withoutComments(text: string): string {
  return text.replace(/^\s*\/?\*.*$/gm, '');
}

function packageOf(specifier: string): string {
  const [first, second] = specifier.split('/');
  return first!.startsWith('@') ? `${first}/${second}` : first!;
}

const MANIFEST = join(packageFolder, 'package.json');
const CHECKOUTS_OWN = join(packageFolder, 'package.checkout.json');

// It is there before a build only where an earlier npm was killed while it packed.
if (existsSync(CHECKOUTS_OWN)) await rename(CHECKOUTS_OWN, MANIFEST);
if (process.argv[2] !== 'restore') {
  const checkout = checkoutManifestSchema.parse(JSON.parse(await readFile(MANIFEST, 'utf8')));
  const packed = packedManifest(checkout);
  await buildPackage(new Set(Object.keys(packed.dependencies as object)));
  await copyFile(MANIFEST, CHECKOUTS_OWN);
  await writeFile(MANIFEST, `${JSON.stringify(packed, null, 2)}\n`);
}
