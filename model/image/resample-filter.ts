/** Pillow's triangle filter, with its weights as `resample-kernels.ts` reads them. Knows no pixel. */
import { LOWER_BITS, PAIR_BYTES, WEIGHT_BITS } from './resample-kernels.ts';

/** For every target pixel, which source pixels count and how much. */
export interface Filter {
  /** First source pixel of each target pixel. */
  readonly first: Int32Array;
  /** Of source pixels, the same for each target; at most one of them lies beyond the source. */
  readonly pairs: number;
  /** [target, pairs, 4]: two weights' lower parts, two weights' upper parts; in 1 / 2^22 */
  readonly weights: Int16Array;
}

/** @param source pixels of a side that becomes `target` pixels */
export function triangleFilter(source: number, target: number): Filter {
  const scale = source / target;
  // Reducing, the triangle spans all that falls on a target pixel; enlarging, two source pixels.
  const support = Math.max(scale, 1);
  const centerOf = (index: number): number => (index + 0.5) * scale;
  const startOf = (center: number): number => Math.max(Math.trunc(center - support + 0.5), 0);
  const endOf = (center: number): number => Math.min(Math.trunc(center + support + 0.5), source);
  let most = 0;
  for (let index = 0; index < target; index++) {
    const center = centerOf(index);
    most = Math.max(most, endOf(center) - startOf(center));
  }
  const pairs = Math.ceil(most / 2);
  const first = new Int32Array(target);
  const weights = new Int16Array((target * pairs * PAIR_BYTES) / Int16Array.BYTES_PER_ELEMENT);
  const shares = new Float64Array(most);
  for (let index = 0; index < target; index++) {
    const center = centerOf(index);
    const [start, end] = [startOf(center), endOf(center)];
    let sum = 0;
    for (let at = start; at < end; at++) {
      const share = Math.max(1 - Math.abs((at - center + 0.5) / support), 0);
      shares[at - start] = share;
      sum += share;
    }
    // Near the end it begins earlier, with weights of 0, so that all pairs lie in the source.
    const from = Math.min(start, Math.max(source - pairs * 2, 0));
    first[index] = from;
    for (let at = start; at < end; at++) {
      const weight = Math.trunc((shares[at - start]! / sum) * (1 << WEIGHT_BITS) + 0.5);
      const tap = at - from;
      const to = (index * pairs + (tap >> 1)) * 4 + (tap % 2);
      weights[to] = weight & ((1 << LOWER_BITS) - 1);
      weights[to + 2] = weight >> LOWER_BITS;
    }
  }
  return { first, pairs, weights };
}
