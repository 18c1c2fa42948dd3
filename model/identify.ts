/**
 * From cut faces to people: embeds them and finds the nearest people. If a bfloat16 embedding cannot settle
 * who is nearest, the face is embedded again in float32.
 */
import type { GalleryMatcher, Neighbour } from './match/gallery-matcher.ts';
import type { Networks } from './networks.ts';

export interface Identity {
  /** [embedding length of the encoder] */
  readonly embedding: Float32Array;
  /** nearest first */
  readonly nearest: readonly Neighbour[];
  /** Whether bfloat16 could not settle the name, so that the face was embedded again in float32. */
  readonly twice: boolean;
}

export interface Identified {
  readonly identities: readonly Identity[];
  /** ms for all faces */
  readonly embedMs: number;
  readonly matchMs: number;
}

export interface Parts {
  readonly networks: Pick<Networks, 'embed' | 'encoder' | 'precision'>;
  readonly matcher: Pick<GalleryMatcher, 'nearest' | 'isSettled'>;
  /** How far a bfloat16 embedding may be from the float32 one, along the line between two people or to one. */
  readonly bound: number;
}

/**
 * @param faces [count, faceSize, faceSize, 3] of the encoder
 * @param thresholds one for each face: where given, bfloat16 may also leave open on which side of it the
 * nearest distance is
 * @param top number of nearest people to name
 */
export function identifyFaces(
  parts: Parts,
  faces: Float32Array,
  thresholds: readonly (number | undefined)[],
  top: number,
): Identified {
  const { networks, matcher, bound } = parts;
  const count = thresholds.length;
  const exact = networks.precision === 'float32';
  const begun = performance.now();
  const first = networks.embed(faces, count, networks.precision);
  const embedded = performance.now();
  // Both questions about a face together: in a large gallery the second then needs no further search.
  const found = rowsOf(first, count).map((embedding, row) => ({
    embedding,
    nearest: matcher.nearest(embedding, top),
    settled: exact || matcher.isSettled(embedding, bound, thresholds[row]),
  }));
  const open = [...found.keys()].filter((row) => !found[row]!.settled);
  const matched = performance.now();
  const again = open.length === 0 ? [] : rowsOf(embedExactly(networks, faces, open), open.length);
  const embeddedAgain = performance.now();
  const corrected = new Map(
    again.map((embedding, at) => [
      open[at]!,
      { embedding, nearest: matcher.nearest(embedding, top), twice: true },
    ]),
  );
  return {
    identities: found.map(
      ({ embedding, nearest }, row) => corrected.get(row) ?? { embedding, nearest, twice: false },
    ),
    embedMs: embedded - begun + (embeddedAgain - matched),
    matchMs: matched - embedded + (performance.now() - embeddedAgain),
  };
}

/** The same networks, with an encoder that computes in float32 only. */
export function inFloat32(networks: Parts['networks']): Parts['networks'] {
  return {
    encoder: networks.encoder,
    precision: 'float32',
    embed: (faces, count) => networks.embed(faces, count, 'float32'),
  };
}

function embedExactly(
  networks: Parts['networks'],
  faces: Float32Array,
  rows: readonly number[],
): Float32Array {
  const size = networks.encoder.faceSize ** 2 * 3;
  const chosen = new Float32Array(rows.length * size);
  for (const [at, row] of rows.entries()) {
    chosen.set(faces.subarray(row * size, (row + 1) * size), at * size);
  }
  return networks.embed(chosen, rows.length, 'float32');
}

function rowsOf(embeddings: Float32Array, count: number): Float32Array[] {
  const length = embeddings.length / count;
  return Array.from({ length: count }, (_, row) =>
    embeddings.slice(row * length, (row + 1) * length),
  );
}
