/** The recogniser's public types: its options and its answers. Contains no behaviour. */
import type { OpenOptions } from './backend/open-networks.ts';
import type { DetectedFace } from './detect/faces.ts';
import type { EncoderDescription, Precision } from './format.ts';
import type { QuarterTurn } from './image/turn.ts';
import type { GalleryMatcher, Neighbour } from './match/gallery-matcher.ts';
import type { Backend } from './networks.ts';
import type { GalleryOdds } from './odds/gallery-odds.ts';
import type { Quality } from './quality/quality.ts';

/** A face found in a photo, with its embedding and the people nearest to it. */
export interface Face extends DetectedFace {
  /** [embedding length of the encoder] */
  readonly embedding: Float32Array;
  /** the nearest people of the gallery, nearest first; empty if the gallery is empty */
  readonly nearest: readonly RatedNeighbour[];
  /** Whether the nearest person counts as known; absent without `knownWithin` and `knownOdds`. */
  readonly known?: boolean;
  /** How usable the face is, with a reason for each fault. */
  readonly quality: Quality;
}

/** A person, and 1 in how many strangers would be as near to anybody in the gallery. */
export interface RatedNeighbour extends Neighbour {
  readonly odds: number;
}

export interface Recognition {
  /** px; of the photo turned by its EXIF orientation, unless `orient` was false */
  readonly width: number;
  readonly height: number;
  /**
   * Degrees clockwise by which the photo had to be turned further until its faces were upright. Boxes and
   * landmarks refer to the photo before that turn, as viewers show it.
   */
  readonly turned: QuarterTurn;
  /** Version of the gallery that was searched; 0 is the model's own. */
  readonly gallery: number;
  /** The largest face, or with `allFaces` every face, largest first; may be empty. */
  readonly faces: readonly Face[];
  /** Number of faces embedded again in float32, because bfloat16 could not settle their names. */
  readonly embeddedTwice: number;
  /** ms of each step */
  readonly timings: Timings;
}

export interface Timings {
  readonly decode: number;
  readonly detect: number;
  /** alignment and encoder */
  readonly embed: number;
  readonly match: number;
}

export interface RecognizeOptions {
  /** Number of nearest people to name (default 3). */
  readonly top?: number;
  /** Recognise every face, not only the largest (default false). Takes longer on large photos. */
  readonly allFaces?: boolean;
  /** With `allFaces`, the maximum number of faces, largest first (default unlimited). */
  readonly mostFaces?: number;
  /** Distance below which the nearest person counts as known, in both precisions alike. */
  readonly knownWithin?: number | undefined;
  /** The same by odds of 1 in N; `knownWithin` takes precedence. */
  readonly knownOdds?: number | undefined;
  /**
   * Turn the photo by its EXIF orientation, and by quarter turns if no clear face is upright (default true).
   * False recognises the pixels as stored, as PyTorch's pipelines do.
   */
  readonly orient?: boolean;
  /**
   * `fast`, the default, embeds in the recognizer's precision, `exact` all photos of the call in float32, for
   * embeddings that are kept or compared with each other, and `none` only finds the faces: their embeddings
   * are empty, and so are their nearest people.
   */
  readonly embed?: 'fast' | 'exact' | 'none';
}

export interface LoadOptions extends Omit<OpenOptions, 'precision' | 'encoder'> {
  /** Run every network once while loading, so that the first photo is not slower (default false). */
  readonly warmUp?: boolean;
  /**
   * Precision of the encoder. `auto`, the default, takes the faster one on this processor, as found by a
   * short trial whose result is cached. Both give the same names.
   */
  readonly precision?: Precision | 'auto' | undefined;
}

export interface Recognizer {
  readonly backend: Backend;
  /** Precision of the encoder. */
  readonly precision: Precision;
  /** Why it has this precision, for people: the measurement, or that it was set. */
  readonly precisionReason: string;
  /** Input and output of the model's encoder. */
  readonly encoder: EncoderDescription;
  /** Of the gallery that is searched now. */
  readonly odds: GalleryOdds;
  /** Number of people in the gallery. */
  readonly people: number;
  /** The gallery that the next photos are compared with. */
  readonly gallery: GalleryMatcher;
  /**
   * Replaces the gallery. Photos that are being recognised are still compared with the earlier one.
   * @throws {ModelError} when its embeddings are not of this encoder's length
   */
  setGallery(matcher: GalleryMatcher): void;
  /**
   * Finds and recognises the faces in the bytes of an image file. The networks run synchronously: the
   * event loop is blocked for most of the time.
   * @throws {ImageError} when the bytes are not a complete image of a supported format
   */
  recognize(bytes: Uint8Array, options?: RecognizeOptions): Promise<Recognition>;
  /**
   * The same for several photos, whose faces are embedded together. A photo that cannot be decoded is
   * answered with its error; every other failure rejects the whole call.
   * @param options for all photos, or a list with one entry per photo
   */
  recognizeAll(
    photos: readonly Uint8Array[],
    options?: RecognizeOptions | readonly RecognizeOptions[],
  ): Promise<(Recognition | Error)[]>;
  /** Frees the networks. No photo can be recognised afterwards. */
  dispose(): void;
}

/** Undefined if the photo has no face. */
export function largestFace({ faces }: Recognition): Face | undefined {
  return faces[0];
}
