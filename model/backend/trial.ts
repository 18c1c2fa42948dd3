/**
 * Measures the encoder's speed in float32 and in bfloat16, by TensorFlow's kernels and the project's own: on the
 * small trial model in each model folder, and on the same layers of the encoder's plans.
 */
import { join } from 'node:path';
import { modelFiles, type Precision } from '../format.ts';
import { openTrialSteps } from '../native/encoder/trial-steps.ts';
import { loadAddon } from '../native/load.ts';
import type { TrialTimes } from '../precision/timings.ts';
import { SavedModel } from './saved-model.ts';

/** Maximum number of timed calls of each precision, in turns; the shortest time counts. */
const ROUNDS = 6;
/** Ratio of times from which one round is enough. */
const CLEAR_RATIO = 1.6;
/** ms after which no further round begins, because a worker's start waits for the trial. */
const BUDGET_MS = 240;
/** Input value of the layers: not 0, since zeros could be skipped. */
const SEED = 0.5;

/**
 * @param threads as in `openTensorflow`
 * @param triesBfloat16 whether the processor may be fast in it
 * @throws {BackendError} when tfjs-node's addon does not load
 * @throws {ModelError} when the model has no trial graph, or it cannot be read
 */
export function runTrial(directory: string, threads: number, triesBfloat16 = true): TrialTimes {
  const addon = loadAddon(threads);
  const spent = startClock(threads);
  const model = new SavedModel(addon, directory, { graph: modelFiles.trial });
  const seed = addon.createTensor([], addon.TF_FLOAT, Float32Array.of(SEED));
  const run = (precision: Precision): number => {
    const clock = startClock(threads);
    const [answer] = addon.runSavedModel(
      model.load(),
      [seed],
      `${precision}/seed`,
      `${precision}/answer`,
    );
    const ms = clock();
    addon.deleteTensor(answer!.id);
    return ms;
  };
  try {
    const own = (plan: string, amx = false): (() => number) | undefined => {
      const steps = threads > 1 ? undefined : openTrialSteps(join(directory, plan), amx);
      return steps && (() => timed(steps, threads));
    };
    const ways: { -readonly [Way in keyof TrialTimes]: (() => number) | undefined } = {
      float32: () => run('float32'),
      bfloat16: triesBfloat16 ? () => run('bfloat16') : undefined,
      own: own(modelFiles.encoderPlan),
      ownBfloat16: own(modelFiles.bfloat16Plan),
      amx: own(modelFiles.bfloat16Plan, true),
    };
    ways.float32!(); // The first call compiles kernels.
    ways.own?.();
    ways.ownBfloat16?.();
    ways.amx?.();
    if (ways.bfloat16 !== undefined && !canRun(ways.bfloat16)) ways.bfloat16 = undefined;
    const times: { -readonly [Way in keyof TrialTimes]: TrialTimes[Way] } = {
      float32: ways.float32!(),
      bfloat16: ways.bfloat16?.() ?? null,
      own: ways.own?.() ?? null,
      ownBfloat16: ways.ownBfloat16?.() ?? null,
      amx: ways.amx?.() ?? null,
    };
    const isOwn = ways.own !== undefined || ways.ownBfloat16 !== undefined;
    for (let round = 1; round < ROUNDS && spent() <= BUDGET_MS; round++) {
      // TensorFlow's bfloat16, which may take many times as long, is timed again only beside what it may be near.
      const { bfloat16, ...others } = times;
      const fastest = Math.min(...Object.values(others).filter((time) => time !== null));
      if (isClear(bfloat16, fastest)) {
        if (!isOwn) break;
        ways.bfloat16 = undefined;
      }
      for (const way of Object.keys(times) as (keyof TrialTimes)[]) {
        const ms = ways[way]?.();
        if (ms !== undefined) times[way] = Math.min(ms, times[way] ?? ms);
      }
    }
    return times;
  } finally {
    addon.deleteTensor(seed);
    model.dispose();
  }
}

/** Whether no further round would change which is faster. */
function isClear(bfloat16: number | null, others: number): boolean {
  if (bfloat16 === null) return true;
  const ratio = bfloat16 / others;
  return ratio > CLEAR_RATIO || ratio < 1 / (2 * CLEAR_RATIO);
}

function timed(work: () => void, threads: number): number {
  const clock = startClock(threads);
  work();
  return clock();
}

/** On some processors oneDNN has no bfloat16 kernels, which it reports at the first call. */
function canRun(call: () => void): boolean {
  try {
    call();
    return true;
  } catch {
    return false;
  }
}

/**
 * With one thread, measures processor time: unlike wall time it excludes other processes, and several workers
 * often start at the same time.
 * @returns ms since it was started
 */
function startClock(threads: number): () => number {
  if (threads > 1) {
    const begun = performance.now();
    return () => performance.now() - begun;
  }
  const begun = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(begun);
    return (user + system) / 1000;
  };
}
