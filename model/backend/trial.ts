/**
 * Times the small likeness of the encoder that each model has, in float32 and in bfloat16. Knows nothing
 * of what follows from it.
 */
import { modelFiles, type Precision } from '../format.ts';
import { loadAddon } from '../native/load.ts';
import type { TrialTimes } from '../precision/timings.ts';
import { SavedModel } from './saved-model.ts';

/** Maximum number of timed calls of each precision, in turns; the shortest time counts. */
const ROUNDS = 6;
/** From so many times as slow on, one round is enough. */
const CLEAR_RATIO = 1.6;
/** ms of the same clock after which no further round begins: a worker's start waits for it. */
const BUDGET_MS = 240;
/** What the layers are fed with: no zeros, which could be skipped. */
const SEED = 0.5;

/**
 * @param threads as in `openTensorflow`
 * @throws {BackendError} when tfjs-node's addon does not load
 * @throws {ModelError} when the model has no likeness to try, or it cannot be read
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

/** oneDNN has no kernels for it on some processors, and says so when it is to make one. */
function canRun(call: () => void): boolean {
  try {
    call();
    return true;
  } catch {
    return false;
  }
}

/**
 * Of one thread the processor's time counts: unlike the clock on the wall it does not stand for what
 * other processes took meanwhile, and workers often start together.
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
