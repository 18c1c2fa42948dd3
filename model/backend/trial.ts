/** Measures the encoder's speed in float32 and in bfloat16, on the small trial model in each model folder. */
import { modelFiles, type Precision } from '../format.ts';
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
 * @throws {BackendError} when tfjs-node's addon does not load
 * @throws {ModelError} when the model has no trial graph, or it cannot be read
 */
export function runTrial(directory: string, threads: number): TrialTimes {
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
    run('float32'); // The first call compiles kernels.
    if (!canRun(() => run('bfloat16'))) return { float32: run('float32'), bfloat16: null };
    let [float32, bfloat16] = [run('float32'), run('bfloat16')];
    for (let round = 1; round < ROUNDS; round++) {
      const ratio = bfloat16 / float32;
      if (ratio > CLEAR_RATIO || ratio < 1 / (2 * CLEAR_RATIO) || spent() > BUDGET_MS) break;
      float32 = Math.min(float32, run('float32'));
      bfloat16 = Math.min(bfloat16, run('bfloat16'));
    }
    return { float32, bfloat16 };
  } finally {
    addon.deleteTensor(seed);
    model.dispose();
  }
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
