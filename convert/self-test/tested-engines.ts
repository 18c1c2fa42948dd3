/** Runs the self-test on every engine that this machine has. Knows no checkpoint. */
import { openNetworks } from '../../model/backend/open-networks.ts';
import type { Kernels, KernelsByPrecision } from '../../model/backend/own-encoder.ts';
import { BackendError } from '../../model/errors.ts';
import type { EncoderDescription, Precision } from '../../model/format.ts';
import { ownKernelsIn } from '../../model/native/encoder/encoder-addon.ts';
import { cpuinfoHere } from '../../model/native/machine.ts';
import type { Backend, Networks } from '../../model/networks.ts';
import { SelfTestError } from '../errors.ts';
import type { Answers } from './reference.ts';
import { type Deviations, measureBfloat16, type SelfTestOptions, selfTest } from './self-test.ts';

export interface EngineTest {
  readonly backend: Backend;
  /** From the reference answers with the published weights: PyTorch's, for compact face-api's. */
  readonly deviations: Deviations;
}

export interface Tested<Result> {
  readonly tests: readonly EngineTest[];
  /** See the manifest; undefined where no engine of this machine computes in bfloat16. */
  readonly bfloat16Bound: number | undefined;
  readonly result: Result;
}

interface Engine {
  readonly backend: Backend;
  readonly precision: Precision;
  /** Default: the usual ones. */
  readonly kernels?: KernelsByPrecision;
}

/**
 * The slower one first: the last one is kept for the work. All kinds of kernels are tested in each precision, since
 * another machine may take the other kind.
 */
function enginesHere(): Engine[] {
  const kernels = (kind: Kernels): KernelsByPrecision => ({ float32: kind, bfloat16: kind });
  const own = ownKernelsIn(cpuinfoHere()).split(' ');
  const inBfloat16 = (kind: Kernels): Engine => ({
    ...{ backend: 'tensorflow', precision: 'bfloat16', kernels: kernels(kind) },
  });
  return [
    { backend: 'wasm', precision: 'float32' },
    { backend: 'tensorflow', precision: 'float32' },
    inBfloat16('tensorflow'),
    ...(own.includes('bfloat16') ? [inBfloat16('own')] : []),
    ...(own.includes('amx') ? [inBfloat16('amx')] : []),
  ];
}

/**
 * Tests a freshly written model on each engine, one after the other, then does `work` on the fastest.
 * @throws {SelfTestError} when an engine's answers are off, or those of two engines differ
 */
export async function withTestedModel<Result>(
  directory: string,
  encoder: EncoderDescription,
  options: Pick<SelfTestOptions, 'anyWeights' | 'weights'>,
  work: (networks: Networks) => Promise<Result>,
): Promise<Tested<Result>> {
  const tests: EngineTest[] = [];
  let others: Answers | undefined;
  let bfloat16Bound: number | undefined;
  let kept: Networks | undefined;
  try {
    for (const engine of enginesHere()) {
      const { backend } = engine;
      if (!encoder.precisions.includes(engine.precision)) continue;
      const networks = await openIfPresent(directory, engine, encoder);
      if (networks === undefined) continue;
      kept?.dispose();
      kept = networks;
      const { answers, deviations } = selfTest(networks, { ...options, others });
      if (tests.at(-1)?.backend === backend) tests.pop();
      tests.push({ backend, deviations });
      others = answers;
      if (networks.precision === 'bfloat16') {
        bfloat16Bound = Math.max(bfloat16Bound ?? 0, measureBfloat16(networks));
      }
    }
    if (kept === undefined) throw new SelfTestError('No engine can run the model here.');
    return { tests, bfloat16Bound, result: await work(kept) };
  } finally {
    kept?.dispose();
  }
}

/** A model that cannot be loaded is an error; an engine that this machine lacks is not. */
async function openIfPresent(
  directory: string,
  engine: Engine,
  encoder: EncoderDescription,
): Promise<Networks | undefined> {
  try {
    return await openNetworks(directory, { ...engine, encoder });
  } catch (error) {
    if (error instanceof BackendError) return undefined;
    throw error;
  }
}
