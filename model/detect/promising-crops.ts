/**
 * Leaves out crops that R-Net certainly rejects, where the backend has a sieve that tells them. The answers for
 * the others keep their bits: TensorFlow rounds in one way for all numbers of crops but 1, so that a crop that is
 * left alone goes with a second one, and one that was alone from the start goes as it is.
 */
import type { RefinementSieve } from '../networks.ts';

/** A hundred times what the sieve's logits are away from R-Net's. */
const SIEVE_MARGIN = 0.01;
/** Maximum number of crops in one call. */
const MOST_CROPS = 128;

/** Crops for one network call, and the rows of the first of them among all crops. */
interface CropBatch {
  readonly crops: Float32Array;
  readonly count: number;
  readonly rows: readonly number[];
}

/** Every crop that is kept is copied to this memory. */
let memory: Float32Array | undefined;

/** @param threshold least probability for which R-Net's answer is used */
export function* promisingCrops(
  batches: Iterable<[crops: Float32Array, count: number]>,
  sieve: RefinementSieve | undefined,
  threshold: number,
): Generator<CropBatch> {
  const leastLogit = Math.log(threshold / (1 - threshold)) - SIEVE_MARGIN;
  let first = 0;
  let values = 0;
  let rows: number[] = [];
  for (const [crops, count] of batches) {
    if (sieve === undefined || count === 1) {
      yield { crops, count, rows: Array.from({ length: count }, (_, at) => first + at) };
    } else {
      values = crops.length / count;
      memory ??= new Float32Array(MOST_CROPS * values);
      for (const [at, logit] of sieve(crops, count).entries()) {
        if (logit < leastLogit) continue;
        memory.set(crops.subarray(at * values, (at + 1) * values), rows.length * values);
        rows.push(first + at);
        if (rows.length < MOST_CROPS) continue;
        yield { crops: memory, count: MOST_CROPS, rows };
        rows = [];
      }
    }
    first += count;
  }
  if (rows.length === 0) return;
  const count = Math.max(rows.length, 2);
  yield { crops: memory!.subarray(0, count * values), count, rows };
}
