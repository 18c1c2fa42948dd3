/**
 * What the npm package holds: its entrances, what their processes read, and its package.json, made from the
 * checkout’s. Reads and writes nothing.
 */
import { z } from 'zod';

/** What a consumer imports, by its name in `exports`. */
export const libraries = {
  '.': 'model/index',
  './convert': 'convert/index',
} as const;

/** What runs without being imported by another module. */
export const programs = {
  commandLine: 'elastic-face',
  postinstall: 'model/native/install',
} as const;

/** Development and deployment need a checkout, and packages that only a checkout has. */
export const leftOut = /^(?:bench\/|test\/chaos\/|deploy\/deploy\.command\.)/;

/** Read by path at run time; they keep their place among the modules. */
export const assets = [
  'convert/**/*.{json,proto}',
  'model/native/*.cc',
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

export const checkoutManifestSchema = z.looseObject({
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
export function packedManifest(checkout: CheckoutManifest): Record<string, unknown> {
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
