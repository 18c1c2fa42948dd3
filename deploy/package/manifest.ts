/** The package.json that a consumer gets, made from the checkout's. Reads and writes nothing. */
import { z } from 'zod';
import { droppedDependencies, libraries, programs } from './contents.ts';

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
