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
import { z } from 'zod';
import { errorClass } from '../../runtime/errors.ts';
import { packageFolder } from '../../runtime/installation.ts';

/** What a consumer imports, by its name in `exports`. */
const libraries = {
  '.': 'model/index',
  './convert': 'convert/index',
} as const;

/** What runs without being imported by another module. */
const programs = {
  commandLine: 'elastic-face',
  postinstall: 'model/native/install',
} as const;

/** Development and deployment need a checkout, and packages that only a checkout has. */
const leftOut = /^(?:bench\/|test\/chaos\/|deploy\/deploy\.command\.)/;

/** Read by path at run time; they keep their place among the modules. */
const assets = [
  'convert/**/*.{json,proto}',
  'model/native/**/*.{cc,h,inc}',
  'model/simd/assembly/*.wasm',
  'web/page/browser/**/*.{ts,css,html,svg}',
] as const;

/** Of a checkout's dependencies, those that a consumer must not get. */
const droppedDependencies: readonly string[] = [
  // Its install script fails the whole installation where its storage bucket cannot be reached, and the
  // overrides of its own dependencies do not hold in a consumer's tree: the package carries its addon.
  '@tensorflow/tfjs-node',
  // It would put another Node before the consumer's own.
  'node',
];

const checkoutManifestSchema = z.looseObject({
  name: z.string(),
  version: z.string(),
  dependencies: z.record(z.string(), z.string()),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
});
type CheckoutManifest = z.output<typeof checkoutManifestSchema>;

/** Of the library; the command line moves to a newer Node by itself. */
const OLDEST_NODE = '>=20.11';

/** Of no use, or untrue, below node_modules. */
const ONLY_IN_A_CHECKOUT = ['private', 'devDependencies', 'overrides', 'allowScripts'] as const;

/** The package.json that a consumer gets. */
function packedManifest(checkout: CheckoutManifest): Record<string, unknown> {
  const kept = Object.entries(checkout).filter(
    ([key]) => !(ONLY_IN_A_CHECKOUT as readonly string[]).includes(key),
  );
  const built = (module: string) => ({
    types: `./dist/${module}.d.ts`,
    default: `./dist/${module}.js`,
  });
  return {
    ...Object.fromEntries(kept),
    engines: { node: OLDEST_NODE },
    bin: { [checkout.name]: `./dist/${programs.commandLine}.js` },
    exports: {
      ...Object.fromEntries(
        Object.entries(libraries).map(([name, module]) => [name, built(module)]),
      ),
      './package.json': './package.json',
    },
    scripts: { postinstall: `node dist/${programs.postinstall}.js` },
    dependencies: forConsumers(checkout.dependencies),
    optionalDependencies: forConsumers(checkout.optionalDependencies),
  };
}

function forConsumers(dependencies: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(dependencies).filter(
    ([name]) => !droppedDependencies.includes(name) && !name.startsWith('@types/'),
  );
  return Object.fromEntries(kept);
}

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
