/** Compares the faces of a photo with facenet-pytorch's. Pure. */
import type { DetectedFace } from '../../model/index.ts';
import type { ReferenceAnswer, ReferenceFace } from './reference.ts';

/** What one engine found. */
export interface Answer {
  /** All of them, largest first. */
  readonly faces: readonly DetectedFace[];
  /** What is found when only the largest face is asked for. */
  readonly largest: DetectedFace | undefined;
  /** Of the largest. */
  readonly embedding: Float32Array | undefined;
}

export interface Comparison {
  /**
   * `tie`: the faces are those of stable sorts. NumPy's own sort takes another one of several boxes
   * with exactly the same score.
   */
  readonly verdict: 'same' | 'tie' | 'differs';
  /** Of boxes and landmarks, px; infinite where other faces were found. */
  readonly pixels: number;
  /** L2; 0 without a face. */
  readonly embedding: number;
}

/** Asked of boxes and landmarks, px. */
const PIXELS = 0.1;
/** Asked of embeddings (L2). */
const EMBEDDING = 1e-3;

export function compare(
  { faces, largest, embedding }: Answer,
  reference: ReferenceAnswer,
): Comparison {
  const off = distance(faces, reference.stable);
  const firstOff = distance(largest === undefined ? [] : [largest], reference.stable.slice(0, 1));
  const pixels = Math.max(off, firstOff);
  const length = embeddingDistance(embedding, reference.embedding);
  if (pixels > PIXELS || length > EMBEDDING)
    return { verdict: 'differs', pixels, embedding: length };
  const unstable = distance(faces, reference.faces) > PIXELS;
  return { verdict: unstable ? 'tie' : 'same', pixels, embedding: length };
}

function distance(faces: readonly DetectedFace[], others: readonly ReferenceFace[]): number {
  if (faces.length !== others.length) return Number.POSITIVE_INFINITY;
  return Math.max(
    0,
    ...faces.flatMap(({ box, landmarks }, row) => {
      const other = others[row]!;
      const expected = [...other.box, ...other.landmarks.flat()];
      return [...box, ...landmarks.flat()].map((value, at) => Math.abs(value - expected[at]!));
    }),
  );
}

function embeddingDistance(
  embedding: Float32Array | undefined,
  expected: readonly number[] | null,
): number {
  if (embedding === undefined && expected === null) return 0;
  if (embedding === undefined || expected === null) return Number.POSITIVE_INFINITY;
  return Math.hypot(...embedding.map((value, at) => value - expected[at]!));
}
