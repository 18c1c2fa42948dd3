/** Weights of P-Net and R-Net from the graph model, for the project's own addons. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { modelFiles } from '../format.ts';

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

/**
 * @param names of the wanted weights
 * @returns the weights in the order of the names; undefined if the folder has other ones, or packed ones
 */
export function detectionWeights(
  directory: string,
  names: readonly string[],
): Float32Array[] | undefined {
  const text = readFileSync(join(directory, modelFiles.graphModel), 'utf8');
  const { weightsManifest } = manifestSchema.parse(JSON.parse(text));
  const shard = weightsManifest.find(({ paths: [path] }) => path === modelFiles.detectionWeights);
  if (shard === undefined || shard.weights.some(({ quantization }) => quantization))
    return undefined;
  const bytes = readFileSync(join(directory, modelFiles.detectionWeights));
  const wanted = new Set(names);
  const found = new Map<string, Float32Array>();
  let at = bytes.byteOffset;
  for (const { name, shape } of shard.weights) {
    const count = shape.reduce((product, side) => product * side, 1);
    const end = at + count * Float32Array.BYTES_PER_ELEMENT;
    if (wanted.has(name)) found.set(name, new Float32Array(bytes.buffer.slice(at, end)));
    at = end;
  }
  const weights = names.flatMap((name) => found.get(name) ?? []);
  return weights.length === names.length ? weights : undefined;
}
