/** Made embeddings for tests: the same ones for the same seed. */

/** As many as facenet's; `unitVectors` makes shorter ones too. */
export const EMBEDDING_LENGTH = 512;

/** Deterministic values in -1..1 (Park-Miller). */
export function* noise(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (state * 48271) % 2147483647;
    yield state / 1073741823.5 - 1;
  }
}

/** [count, 512], evenly in a cube and then of length 1: of full rank. */
export function unitVectors(count: number, seed: number): Float32Array {
  const values = noise(seed);
  const vectors = new Float32Array(count * EMBEDDING_LENGTH);
  for (let at = 0; at < vectors.length; at++) vectors[at] = values.next().value!;
  return normalised(vectors);
}

/** In place: every row to length 1. */
export function normalised(vectors: Float32Array): Float32Array {
  for (let from = 0; from < vectors.length; from += EMBEDDING_LENGTH) {
    const vector = vectors.subarray(from, from + EMBEDDING_LENGTH);
    const length = Math.hypot(...vector);
    for (let at = 0; at < EMBEDDING_LENGTH; at++) vector[at]! /= length;
  }
  return vectors;
}

export function row(matrix: Float32Array, index: number): Float32Array {
  return matrix.subarray(index * EMBEDDING_LENGTH, (index + 1) * EMBEDDING_LENGTH);
}
