/** Collects the faces of several photos, so that one call of the encoder embeds them all. */
import { alignFaces, type FacePlace } from './align/align.ts';
import type { EncoderDescription } from './format.ts';
import type { Identified, Identity } from './identify.ts';
import type { RgbImage } from './image/image.ts';

/** Larger batches take more memory and are no faster. */
const FACES_PER_CALL = 16;

/** The faces of one photo. */
export interface BatchShare {
  readonly identities: readonly Identity[];
  /** ms: alignment, and this photo's share of the calls that embedded its faces */
  readonly embedMs: number;
  readonly matchMs: number;
}

interface Pending {
  readonly owner: Collected;
  readonly faces: Float32Array;
  readonly count: number;
  /** Distance that decides whether its people are known, where that was asked. */
  readonly threshold: number | undefined;
}

/** One for each face: see `Pending`. */
type Thresholds = readonly (number | undefined)[];

interface Collected {
  readonly identities: Identity[];
  embedMs: number;
  matchMs: number;
}

export class FaceBatch {
  readonly #encoder: EncoderDescription;
  readonly #identify: (faces: Float32Array, thresholds: Thresholds) => Identified;
  #pending: Pending[] = [];
  #waiting = 0;

  /** @param identify takes [count, faceSize, faceSize, 3] of the encoder */
  constructor(
    encoder: EncoderDescription,
    identify: (faces: Float32Array, thresholds: Thresholds) => Identified,
  ) {
    this.#encoder = encoder;
    this.#identify = identify;
  }

  /** Aligns the faces; the photo is not kept. @returns what `finish` completes */
  add(image: RgbImage, found: readonly FacePlace[], threshold?: number): BatchShare {
    const owner: Collected = { identities: [], embedMs: 0, matchMs: 0 };
    for (let at = 0; at < found.length; ) {
      const part = found.slice(at, at + FACES_PER_CALL - this.#waiting);
      const begun = performance.now();
      const faces = alignFaces(image, part, this.#encoder);
      owner.embedMs += performance.now() - begun;
      this.#pending.push({ owner, faces, count: part.length, threshold });
      this.#waiting += part.length;
      at += part.length;
      if (this.#waiting === FACES_PER_CALL) this.finish();
    }
    return owner;
  }

  /** Identifies the faces that are still waiting. */
  finish(): void {
    const pending = this.#pending;
    const count = this.#waiting;
    if (count === 0) return;
    this.#pending = [];
    this.#waiting = 0;
    const thresholds = pending.flatMap(({ count: own, threshold }) =>
      new Array<number | undefined>(own).fill(threshold),
    );
    const { identities, embedMs, matchMs } = this.#identify(
      concatenated(pending, count),
      thresholds,
    );
    let row = 0;
    for (const { owner, count: own } of pending) {
      owner.identities.push(...identities.slice(row, row + own));
      owner.embedMs += (embedMs * own) / count;
      owner.matchMs += (matchMs * own) / count;
      row += own;
    }
  }
}

function concatenated(pending: readonly Pending[], count: number): Float32Array {
  if (pending.length === 1) return pending[0]!.faces;
  const [first] = pending as [Pending];
  const whole = new Float32Array((first.faces.length / first.count) * count);
  let at = 0;
  for (const { faces } of pending) {
    whole.set(faces, at);
    at += faces.length;
  }
  return whole;
}
