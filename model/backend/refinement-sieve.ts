/**
 * R-Net's logits in float32, by an addon of the project: in a third of the time that R-Net takes, but with other
 * roundings. They tell which crops R-Net has to be asked about.
 */
import { joinRows } from '../detect/boxes.ts';
import { loadOwnAddon } from '../native/own-addons.ts';
import type { RefinementSieve } from '../networks.ts';
import { detectionWeights } from './detection-weights.ts';

interface SieveAddon {
  /** Both absent on a processor without the instructions. */
  prepareRefinement?(weights: Float32Array): Uint8Array;
  refine?(prepared: Uint8Array, crops: Float32Array, count: number, logits: Float32Array): void;
}

/** In the order in which the addon reads them. */
const WEIGHTS = [
  ...['conv1/filter', 'conv1/bias', 'prelu1/slope'],
  ...['conv2/filter', 'conv2/bias', 'prelu2/slope'],
  ...['conv3/filter', 'conv3/bias', 'prelu3/slope'],
  ...['dense4/matrix', 'dense4/bias', 'prelu4/slope'],
  ...['dense5_1/matrix', 'dense5_1/bias'],
].map((name) => `rnet/${name}`);

const COLOURS = 3;
const FIELD = 3;
const FIRST = 28;

/** @returns undefined if the addon was not compiled, or if this processor lacks AVX-512 with VNNI */
export function openRefinementSieve(directory: string): RefinementSieve | undefined {
  const addon = loadOwnAddon<SieveAddon>('sieve');
  if (!addon?.prepareRefinement || !addon.refine) return undefined;
  const { prepareRefinement, refine } = addon;
  const weights = detectionWeights(directory, WEIGHTS);
  if (weights === undefined) return undefined;
  const [filter, bias, slope, ...later] = weights;
  const prepared = prepareRefinement(
    joinRows([ofOnePixel(filter!), bias!.subarray(0, FIRST), slope!.subarray(0, FIRST), ...later]),
  );
  return (crops, count) => {
    const logits = new Float32Array(count);
    refine(prepared, crops, count, logits);
    return logits;
  };
}

/**
 * The model's first filter takes two pixels at once.
 * @param paired [3, 2, 2 · colours, 2 · outputs]
 * @returns [3, 3, colours, outputs]
 */
function ofOnePixel(paired: Float32Array): Float32Array {
  const filter = new Float32Array(FIELD * FIELD * COLOURS * FIRST);
  for (let y = 0; y < FIELD; y++) {
    for (let at = 0; at < FIELD * COLOURS; at++) {
      const from = (y * 4 * COLOURS + at) * 2 * FIRST;
      filter.set(paired.subarray(from, from + FIRST), (y * FIELD * COLOURS + at) * FIRST);
    }
  }
  return filter;
}
