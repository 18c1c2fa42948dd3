/** What the recogniser is asked and answers: its public types, without what does it. */
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
  /** [the encoder's embedding length] */
  readonly embedding: Float32Array;
  /** the nearest people of the gallery, nearest first; none when it is empty */
  readonly nearest: readonly RatedNeighbour[];
  /** Whether the nearest person is taken for the one in the photo, where that was asked. */
  readonly known?: boolean;
  /** How usable the face is, and why not. */
  readonly quality: Quality;
}

/** A person, and 1 in how many strangers would be as near to anybody in the gallery. */
export interface RatedNeighbour extends Neighbour {
  readonly odds: number;
}

export interface Recognition {
  /** px, of the photo turned by its EXIF orientation unless `orient` was false */
  readonly width: number;
  readonly height: number;
  /**
   * Degrees clockwise by which the photo was turned further, because its faces are upright only then. Boxes
   * and landmarks are those of the photo before that turn, as it is shown.
   */
  readonly turned: QuarterTurn;
  /** Version of the gallery that was searched; 0 is the model's own. */
  readonly gallery: number;
  /** The largest, or with `allFaces` all, largest first; none is no error. */
  readonly faces: readonly Face[];
  /** How many of them were embedded again in float32, since bfloat16 left their names open. */
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
  /** How many of the nearest people to name. Default 3. */
  readonly top?: number;
  /** Find and recognise every face, not only the largest, which large photos take longer for. Default false. */
  readonly allFaces?: boolean;
  /** With `allFaces`, the largest ones of so many at most. Default: no bound. */
  readonly mostFaces?: number;
  /** Judge by this distance whether the nearest person is known or a stranger: in both precisions alike. */
  readonly knownWithin?: number | undefined;
  /** The same by these odds, 1 in N; `knownWithin` goes before them. */
  readonly knownOdds?: number | undefined;
  /**
   * Turn the photo by its EXIF orientation, and by quarter turns where no clear face is upright. False
   * recognises the pixels as stored, as PyTorch's pipelines do. Default true.
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
  /** Run every network once while loading, so that the first photo is not slower. Default false. */
  readonly warmUp?: boolean;
  /**
   * Of the encoder. `auto`, the default, takes what is faster on this processor, by a short trial whose
   * result is kept. Both give the same names.
   */
  readonly precision?: Precision | 'auto' | undefined;
}

export interface Recognizer {
  readonly backend: Backend;
  /** What the encoder computes in. */
  readonly precision: Precision;
  /** Why it computes in that, for people: what was measured, or that it was asked for. */
  readonly precisionReason: string;
  /** What the model's encoder takes and gives. */
  readonly encoder: EncoderDescription;
  /** Of the gallery that is searched now. */
  readonly odds: GalleryOdds;
  /** How many people the gallery knows. */
  readonly people: number;
  /** The gallery that the next photos are compared with. */
  readonly gallery: GalleryMatcher;
  /**
   * Replaces the gallery. Photos that are in work are still compared with the one they began with.
   * @throws {ModelError} when its embeddings are not of this encoder's length
   */
  setGallery(matcher: GalleryMatcher): void;
  /**
   * Finds and recognises the faces in the bytes of an image file. The networks run synchronously: the
   * event loop stands still for most of the time.
   * @throws {ImageError} when the bytes are not a whole image of a supported format
   */
  recognize(bytes: Uint8Array, options?: RecognizeOptions): Promise<Recognition>;
  /**
   * The same for several photos, whose faces are embedded together; an error takes the place of a photo
   * that could not be decoded. Rejects only for what is no photo's fault.
   * @param options for all of them, or a list with those of each
   */
  recognizeAll(
    photos: readonly Uint8Array[],
    options?: RecognizeOptions | readonly RecognizeOptions[],
  ): Promise<(Recognition | Error)[]>;
  /** Frees the networks; no photo can be recognised afterwards. */
  dispose(): void;
}

/** Undefined where the photo has no face. */
export function largestFace({ faces }: Recognition): Face | undefined {
  return faces[0];
}
