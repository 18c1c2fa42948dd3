/**
 * The order of all weights in one file, which both model formats point into. Knows the layout, not what
 * the weights mean.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Constant, Network, Weight } from './graph.ts';

export interface PlacedWeight {
  readonly weight: Weight;
  /** In elements of four bytes from the beginning of the file. */
  readonly offset: number;
}

export interface WeightsLayout {
  readonly weights: readonly PlacedWeight[];
  /** They follow the weights: only the tfjs model reads them from the file. */
  readonly constants: readonly Constant[];
}

/**
 * Networks with the largest weights come first: the lengths of theirs are multiples of 64 bytes, and
 * TensorFlow hands out slices that begin and end on such without copying them.
 */
export function layoutWeights(networks: readonly Network[]): WeightsLayout {
  const size = ({ weights }: Network) => weights.reduce((sum, { data }) => sum + data.length, 0);
  const ordered = networks.toSorted((a, b) => size(b) - size(a));
  let offset = 0;
  const weights = ordered
    .flatMap((network) => network.weights)
    .map((weight) => {
      const placed = { weight, offset };
      offset += weight.data.length;
      return placed;
    });
  return { weights, constants: ordered.flatMap((network) => network.constants) };
}

/** Writes the file, little-endian, without a second copy of it in memory. @returns its SHA-256 */
export async function writeWeights(path: string, layout: WeightsLayout): Promise<string> {
  const hash = createHash('sha256');
  await using file = await open(path, 'w');
  for (const { data } of [...layout.weights.map(({ weight }) => weight), ...layout.constants]) {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    hash.update(bytes);
    await file.writeFile(bytes);
  }
  await file.sync();
  return hash.digest('hex');
}
