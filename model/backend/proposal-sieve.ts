/**
 * P-Net in 16-bit integers, by an addon of the project: tells where the float32 network has to be asked, in a
 * third of its time. Reads P-Net's weights from the graph model.
 */
import { joinRows } from '../detect/boxes.ts';
import { loadOwnAddon } from '../native/own-addons.ts';
import type { ProposalSieve } from '../networks.ts';
import { SIEVE_TILE } from '../networks.ts';
import { detectionWeights } from './detection-weights.ts';

interface SieveAddon {
  /** Both absent on a processor without the instructions. */
  prepare?(weights: Float32Array): Uint8Array;
  search?(
    prepared: Uint8Array,
    image: Float32Array,
    width: number,
    height: number,
    leastLogit: number,
    tiles: Uint8Array,
  ): void;
}

/** In the order in which the addon reads them. */
const WEIGHTS = [
  ...[1, 2, 3].flatMap((layer) => [
    `pnet/conv${layer}/filter`,
    `pnet/conv${layer}/bias`,
    `pnet/prelu${layer}/slope`,
  ]),
  'pnet/conv4_1/filter',
  'pnet/conv4_1/bias',
];

/** @returns undefined if the addon was not compiled, or if this processor lacks AVX-512 with VNNI */
export function openProposalSieve(directory: string): ProposalSieve | undefined {
  const addon = loadOwnAddon<SieveAddon>('sieve');
  if (!addon?.prepare || !addon.search) return undefined;
  const { prepare, search } = addon;
  const weights = detectionWeights(directory, WEIGHTS);
  if (weights === undefined) return undefined;
  const prepared = prepare(joinRows(weights));
  return (image, height, width, leastLogit) => {
    const [columns, rows] = [tilesAlong(width), tilesAlong(height)];
    const tiles = new Uint8Array(columns * rows);
    search(prepared, image, width, height, leastLogit, tiles);
    return { columns, rows, tiles };
  };
}

/** P-Net's field is 12 pixels, and the last one may extend past the edge by one. */
function tilesAlong(pixels: number): number {
  return Math.ceil((Math.ceil(pixels / 2) - 5) / SIEVE_TILE);
}
