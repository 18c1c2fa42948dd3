/**
 * P-Net in 16-bit integers, by an addon of the project: tells where the float32 network has to be asked, in a
 * third of its time. Reads P-Net's weights from the graph model.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { modelFiles } from '../format.ts';
import { loadOwnAddon } from '../native/own-addons.ts';
import type { ProposalSieve } from '../networks.ts';
import { SIEVE_TILE } from '../networks.ts';

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
  const weights = proposalWeights(directory);
  if (weights === undefined) return undefined;
  const prepared = prepare(weights);
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

const manifestSchema = z.object({
  weightsManifest: z.array(
    z.object({
      paths: z.tuple([z.string()]),
      weights: z.array(
        z.object({
          name: z.string(),
          shape: z.array(z.int().nonnegative()),
          quantization: z.unknown().optional(),
        }),
      ),
    }),
  ),
});

/** @returns undefined if the folder has other weights; P-Net then answers by itself */
function proposalWeights(directory: string): Float32Array | undefined {
  const text = readFileSync(join(directory, modelFiles.graphModel), 'utf8');
  const { weightsManifest } = manifestSchema.parse(JSON.parse(text));
  const shard = weightsManifest.find(({ paths: [path] }) => path === modelFiles.detectionWeights);
  if (shard === undefined || shard.weights.some(({ quantization }) => quantization))
    return undefined;
  const bytes = readFileSync(join(directory, modelFiles.detectionWeights));
  const found = new Map<string, Float32Array>();
  let at = bytes.byteOffset;
  for (const { name, shape } of shard.weights) {
    const count = shape.reduce((product, side) => product * side, 1);
    const end = at + count * Float32Array.BYTES_PER_ELEMENT;
    if (WEIGHTS.includes(name)) found.set(name, new Float32Array(bytes.buffer.slice(at, end)));
    at = end;
  }
  const parts = WEIGHTS.map((name) => found.get(name));
  if (parts.includes(undefined)) return undefined;
  return Float32Array.from(parts.flatMap((values) => [...values!]));
}
