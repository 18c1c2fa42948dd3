/**
 * Tries several ways to get a tfjs-node that loads: as installed, from the cache, built from the package
 * registries, and by its own installer. If none works, the wasm backend takes over.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../../runtime/errors.ts';
import { modulePath } from '../../../runtime/installation.ts';
import { NativeError, NotSetUpYet } from '../../errors.ts';
import { type Machine, thisMachine, whyNever } from '../machine.ts';
import { addonFile, cacheFolder, type OwnAddon, tfjsNodeFolder } from '../paths.ts';
import { run } from '../run.ts';
import { buildNativeParts, type SetUpLog } from './build.ts';
import { type CachePaths, checkCache, clearInstalled, fillCache, installFrom } from './cache.ts';
import { addOwnAddon, isForMachine } from './own-addons.ts';
import { hasTfjsNodeInstaller, runTfjsNodeInstaller } from './tfjs-node-installer.ts';
import { requireCompiler } from './tools.ts';
import { type Wheel, wheelFor } from './wheel.ts';

const PROBE = modulePath('../probe.ts', import.meta.url);
const PROBE_MS = 120_000;

/** One way to a library that loads; throws an error that says why it failed. */
export interface Way {
  readonly name: string;
  readonly go: () => Promise<void>;
}

export interface SetUpOptions extends SetUpLog {
  /** Default: this user's cache and this project's tfjs-node. */
  readonly places?: CachePaths;
  /** Default: this machine. */
  readonly machine?: Machine;
  /** Default: the wheel for this machine. */
  readonly wheel?: () => Wheel;
  /** Throws unless tfjs-node loads. Default: tries it in a child process. */
  readonly probe?: () => Promise<void>;
}

/**
 * Tries the ways in their order until one works.
 * @returns the name of that way, and why earlier ones failed, except for those that were only empty
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
      if (!(error instanceof NotSetUpYet)) reasons.push(`${name}: ${messageOf(error)}`);
    }
  }
  return { way: undefined, reasons };
}

export interface SetUpResult extends Awaited<ReturnType<typeof firstThatWorks>> {
  /** A sentence about each of the project's own addons that is missing: what it costs, and why. */
  readonly missing: readonly string[];
}

/**
 * Sets tfjs-node up by the first way that works, then compiles the project's own addons. After a failure nothing is
 * left that could be loaded, because a library that ends its process would take the wasm backend down with it.
 */
export async function setUp(options: SetUpOptions): Promise<SetUpResult> {
  const { places = ownPlaces, machine = thisMachine() } = options;
  const never = whyNever(machine);
  if (never !== undefined) return { way: undefined, reasons: [never], missing: [] };
  const result = await firstThatWorks(waysToTfjsNode(options));
  if (result.way !== undefined) return { ...result, missing: await addOwnAddons(places.tfjsNode) };
  await clearInstalled(places.tfjsNode);
  return { ...result, missing: [] };
}

const WITHOUT_ADDON: Readonly<Record<OwnAddon, string>> = {
  pages: 'each worker takes 250 MB more memory',
  sieve: 'large photos take twice as long',
  areas: 'large photos take a little longer',
  encoder: 'TensorFlow computes the embeddings, and each face takes longer',
};

/** TensorFlow runs without these addons: a failure only costs memory or time. */
async function addOwnAddons(tfjsNode: string): Promise<string[]> {
  const missing: string[] = [];
  for (const [name, cost] of Object.entries(WITHOUT_ADDON)) {
    const addon = name as OwnAddon;
    if (!isForMachine(addon)) continue;
    try {
      if (!(await addOwnAddon(addon, tfjsNode))) await requireCompiler();
    } catch (error) {
      missing.push(
        `without the addon "${addon}" ${cost}. It was not compiled: ${messageOf(error)}`,
      );
    }
  }
  return missing;
}

const ownPlaces: CachePaths = { cache: cacheFolder, tfjsNode: tfjsNodeFolder };

/**
 * The ways for this machine, in their order. The registries come before tfjs-node's own installer, because npm
 * has just reached a registry and their TensorFlow is almost four years newer. The installer needs neither pip
 * nor a compiler.
 */
export function waysToTfjsNode({
  say,
  show,
  places = ownPlaces,
  machine = thisMachine(),
  wheel = () => wheelFor(machine),
  probe = probeTfjsNode,
}: SetUpOptions): Way[] {
  const { cache, tfjsNode } = places;
  const installAndProbe = async (folder: string): Promise<void> => {
    await installFrom(folder, tfjsNode);
    await probe();
  };
  const ownInstaller: Way = {
    name: 'tfjs-node’s own installer',
    go: async () => {
      say("trying tfjs-node's own installer");
      await runTfjsNodeInstaller(tfjsNode, show);
      await probe();
    },
  };
  return [
    {
      name: 'as installed',
      go: async () => {
        if (!existsSync(join(tfjsNode, addonFile))) throw new NotSetUpYet('not set up yet');
        await probe();
      },
    },
    {
      name: 'cache',
      go: async () => {
        await checkCache(cache);
        await installAndProbe(cache);
      },
    },
    {
      name: 'package registries',
      go: async () => {
        const chosen = wheel();
        const build = (folder: string) => buildNativeParts(folder, chosen, { say, show });
        await fillCache(places, build, installAndProbe);
      },
    },
    // The npm package contains only the addon of tfjs-node, not its installer.
    ...(hasTfjsNodeInstaller(tfjsNode) ? [ownInstaller] : []),
  ];
}

/** @throws {NativeError} when tfjs-node does not load and compute in a child process */
async function probeTfjsNode(): Promise<void> {
  await run(process.execPath, [PROBE], { timeoutMs: PROBE_MS }).catch((cause) => {
    throw new NativeError(`it does not load (${messageOf(cause)})`, { cause });
  });
}
