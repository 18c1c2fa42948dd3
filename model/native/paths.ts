/** Paths and versions of tfjs-node's native library. */
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { folders } from '../../runtime/folders.ts';
import { isPackaged, packageFolder } from '../../runtime/installation.ts';

const require = createRequire(import.meta.url);

export const TENSORFLOW_VERSION = '2.21.0';
/** The Node-API level of tfjs-node's addon. */
export const NAPI_VERSION = 8;

/**
 * tfjs-node's folder. The npm package contains the source of its addon instead of depending on it: the install
 * script of tfjs-node fails the whole installation if its storage bucket cannot be reached.
 */
export const tfjsNodeFolder = isPackaged
  ? join(packageFolder, 'dist/tfjs-node')
  : dirname(require.resolve('@tensorflow/tfjs-node/package.json'));
const { version: tfjsNodeVersion } = require(join(tfjsNodeFolder, 'package.json')) as {
  version: string;
};
export const nodeApiHeaders = join(
  dirname(require.resolve('node-api-headers/package.json')),
  'include',
);

/** tfjs-node's addon, relative to its folder. */
export const addonFile = `lib/napi-v${NAPI_VERSION}/tfjs_binding.node`;

/**
 * The project's own small addons, beside it. Compiled by each installation, not cached. One with a processor is
 * written in that processor's instructions.
 */
export const ownAddons = {
  pages: { source: 'mapped-pages.cc', file: `lib/napi-v${NAPI_VERSION}/own_pages.node` },
  sieve: { source: 'detection/detection.cc', file: `lib/napi-v${NAPI_VERSION}/own_sieve.node` },
  areas: {
    source: 'areas/areas.cc',
    file: `lib/napi-v${NAPI_VERSION}/own_areas.node`,
    processor: 'x64',
  },
  encoder: {
    source: 'encoder/encoder.cc',
    file: `lib/napi-v${NAPI_VERSION}/own_encoder.node`,
    processor: 'x64',
  },
} as const satisfies Readonly<
  Record<string, { source: string; file: string; processor?: NodeJS.Architecture }>
>;
export type OwnAddon = keyof typeof ownAddons;

/** The files of the native library, by their path in the cache and in tfjs-node's folder. */
export const nativeParts = [
  { cached: 'libtensorflow_cc.so.2', installed: 'deps/lib/libtensorflow_cc.so.2' },
  { cached: 'libtensorflow_framework.so.2', installed: 'deps/lib/libtensorflow_framework.so.2' },
  { cached: 'tfjs_binding.node', installed: addonFile },
] as const;

/** One folder for each combination of versions and platform. */
export const cacheFolder = join(
  folders.cache,
  'native',
  `tensorflow-${TENSORFLOW_VERSION}-tfjs-node-${tfjsNodeVersion}-${platform()}-${arch()}`,
);
