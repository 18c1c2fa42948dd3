/** Measures the model with its encoder stored as float16: its size, and how much distances change. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMMAND_LINE } from '../../local/processes/service.ts';
import { modelFiles } from '../../model/format.ts';
import { readGallery } from '../../model/match/gallery.ts';
import { run } from '../../model/native/run.ts';
import { cutFaces } from './contestants.ts';
import { sizesIn } from './machine.ts';
import { ownProgram } from './parties.ts';
import type { Places } from './party-program.ts';
import { askAlone } from './peer.ts';
import type { Results } from './report/results.ts';

/**
 * @param paths photos whose largest faces are compared
 * @throws {NativeError} when the conversion fails
 */
export async function measureFloat16(
  paths: readonly string[],
  places: Places,
  cores: string | undefined,
): Promise<Results['float16']> {
  const work = await mkdtemp(join(tmpdir(), 'elastic-face-bench-'));
  try {
    const model = join(work, 'model');
    // In a child process, so that no engine stays loaded; it finds the checkpoints by itself.
    await run(process.execPath, [COMMAND_LINE, 'convert', '--out', model, '--weights', 'float16']);
    const count = paths.length;
    const faces = await cutFaces(join(work, 'faces.bin'), count, paths, places, cores);
    const before = await embeddingsOf(places, faces, count, cores);
    const after = await embeddingsOf({ ...places, model }, faces, count, cores);
    return {
      bytes: float32Bytes(await sizesIn(model)),
      distance: largestMove((await readGallery(places.model)).embeddings, before, after),
    };
  } finally {
    await rm(work, { recursive: true });
  }
}

/** All files that float32 needs on either engine: all but the bfloat16 encoder's. */
export function float32Bytes(sizes: Readonly<Record<string, number>>): number {
  const { bfloat16, bfloat16Plan, bfloat16Weights } = modelFiles;
  const others: readonly string[] = [bfloat16, bfloat16Plan, bfloat16Weights];
  return Object.entries(sizes)
    .filter(([file]) => !others.includes(file))
    .reduce((sum, [, bytes]) => sum + bytes, 0);
}

/**
 * Maximum change of the distance between any person and any face.
 * @param people [n, length]
 * @param before [m][length]; `after` has the same faces
 */
export function largestMove(
  people: Float32Array,
  before: readonly (readonly number[])[],
  after: readonly (readonly number[])[],
): number {
  const [{ length } = { length: 1 }] = before;
  let most = 0;
  for (let from = 0; from < people.length; from += length) {
    const person = people.subarray(from, from + length);
    for (const [face, embedding] of before.entries()) {
      const moved = distance(person, after[face]!) - distance(person, embedding);
      most = Math.max(most, Math.abs(moved));
    }
  }
  return most;
}

function distance(a: Float32Array, b: readonly number[]): number {
  return Math.sqrt(a.reduce((sum, value, at) => sum + (value - b[at]!) ** 2, 0));
}

async function embeddingsOf(
  places: Places,
  faces: string,
  count: number,
  cores: string | undefined,
): Promise<number[][]> {
  const request = { do: 'embeddings', faces, count } as const;
  return (await askAlone('embedding', ownProgram(places), cores, request)).embeddings;
}
