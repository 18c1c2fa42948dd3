/**
 * The ways to a tfjs-node that loads, tried in turn: as it is, from the cache, built from the package
 * registries, and by its own installer. Where none works, the wasm backend takes over.
 */
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../runtime/errors.ts';
import { compileAddon } from './addon.ts';
import {
  type CachePlaces,
  checkCache,
  clearInstalled,
  fillCache,
  installFromCache,
} from './cache.ts';
import { NativeError } from './errors.ts';
import { cacheFolder, nativeParts, TENSORFLOW_VERSION, tfjsNodeFolder } from './places.ts';
import { run } from './run.ts';
import { fetchWheel, unpackWheel, wheelForThisMachine } from './wheel.ts';

const PROBE = fileURLToPath(new URL('./probe.ts', import.meta.url));
const PROBE_MS = 120_000;
const OWN_INSTALLER_MS = 900_000;

export interface SetUpOptions {
  /** Told each step, one line each. */
  readonly say: (line: string) => void;
  /** Let pip and others show their own progress. */
  readonly show: boolean;
}

/** One way to a library that loads; throws a NativeError saying why it did not. */
export interface Way {
  readonly name: string;
  readonly go: () => Promise<void>;
}

/**
 * Tries the ways in their order until one works.
 * @returns the name of the way that did, and why each earlier one did not
 */
export async function firstThatWorks(
  ways: readonly Way[],
): Promise<{ way: string | undefined; reasons: readonly string[] }> {
  const reasons: string[] = [];
  for (const { name, go } of ways) {
    try {
      await go();
      return { way: name, reasons };
    } catch (error) {
      reasons.push(`${name}: ${messageOf(error)}`);
    }
  }
  return { way: undefined, reasons };
}

/** The ways of this machine, in their order. */
export function waysToTfjsNode({ say, show }: SetUpOptions): Way[] {
  const places: CachePlaces = { cache: cacheFolder, tfjsNode: tfjsNodeFolder };
  const install = async (): Promise<void> => {
    await installFromCache(places);
    await probe();
  };
  return [
    { name: 'as installed', go: probe },
    {
      name: 'cache',
      go: async () => {
        await checkCache(places.cache);
        await install();
      },
    },
    {
      name: 'package registries',
      go: async () => {
        const wheel = wheelForThisMachine();
        await fillCache(places.cache, async (folder) => {
          say(`fetching TensorFlow ${TENSORFLOW_VERSION} (about 280 MB, kept in the cache)`);
          const path = await fetchWheel(wheel, folder, show);
          say('unpacking it');
          const unpacked = join(folder, 'unpacked');
          await unpackWheel(path, unpacked);
          const libraries = join(unpacked, 'tensorflow');
          say("compiling tfjs-node's addon");
          await compileAddon(join(folder, 'tfjs_binding.node'), {
            libraries,
            headers: join(libraries, 'include'),
          });
          for (const { cached } of nativeParts) {
            if (cached.startsWith('lib'))
              await rename(join(libraries, cached), join(folder, cached));
          }
          await rm(path);
          await rm(unpacked, { recursive: true });
        });
        await install();
      },
    },
    {
      name: 'tfjs-node’s own installer',
      go: async () => {
        await clearInstalled(places.tfjsNode);
        say("trying tfjs-node's own installer");
        await run(process.execPath, ['scripts/install.js'], {
          cwd: places.tfjsNode,
          show,
          timeoutMs: OWN_INSTALLER_MS,
        });
        await probe();
      },
    },
  ];
}

/** @throws {NativeError} when tfjs-node does not load and compute in a process of its own */
async function probe(): Promise<void> {
  await run(process.execPath, [PROBE], { timeoutMs: PROBE_MS }).catch((cause) => {
    throw new NativeError('the native library does not load', { cause });
  });
}
