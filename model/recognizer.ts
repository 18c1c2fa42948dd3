/**
 * From image bytes to people: decode, detect, align, embed, match. Independent of the cloud, of file names and
 * of the command line.
 */
import { decodeImage } from './decode/decode.ts';
import type { DetectedFace } from './detect/faces.ts';
import { type SearchOptions, searchFaces, searchOptions } from './detect/search.ts';
import { ImageError, ModelError } from './errors.ts';
import { type BatchShare, FaceBatch } from './face-batch.ts';
import type { EncoderDescription, Precision } from './format.ts';
import { identifyFaces, inFloat32 } from './identify.ts';
import { releaseMemory } from './image/image.ts';
import { faceBeforeTurn, type QuarterTurn } from './image/turn.ts';
import type { GalleryMatcher } from './match/gallery-matcher.ts';
import type { Backend, Networks } from './networks.ts';
import type { GalleryOdds } from './odds/gallery-odds.ts';
import { type Quality, qualityOf } from './quality/quality.ts';
import type { Face, Recognition, RecognizeOptions, Recognizer } from './recognition.ts';

export class LoadedRecognizer implements Recognizer {
  readonly #networks: Networks;
  #matcher: GalleryMatcher;
  #odds: GalleryOdds;
  readonly #bound: number;
  readonly precisionReason: string;
  #disposed = false;

  constructor(parts: {
    readonly networks: Networks;
    readonly matcher: GalleryMatcher;
    /** Of the people of `matcher`. */
    readonly odds: GalleryOdds;
    /** See the manifest’s `bfloat16Bound`. */
    readonly bound: number;
    readonly precisionReason: string;
  }) {
    this.precisionReason = parts.precisionReason;
    this.#bound = parts.bound;
    this.#networks = parts.networks;
    this.#matcher = parts.matcher;
    this.#odds = parts.odds;
  }

  get backend(): Backend {
    return this.#networks.backend;
  }

  get precision(): Precision {
    return this.#networks.precision;
  }

  get encoder(): EncoderDescription {
    return this.#networks.encoder;
  }

  get people(): number {
    return this.#matcher.people;
  }

  get odds(): GalleryOdds {
    return this.#odds;
  }

  get gallery(): GalleryMatcher {
    return this.#matcher;
  }

  setGallery(matcher: GalleryMatcher): void {
    const { kind, embeddingLength } = this.encoder;
    if (matcher.length !== undefined && matcher.length !== embeddingLength) {
      throw new ModelError(
        `Gallery version ${matcher.version} holds embeddings of ${matcher.length} numbers, the ${kind} ` +
          `encoder gives ${embeddingLength}: enrol its people again with this encoder.`,
      );
    }
    this.#matcher = matcher;
    this.#odds = this.#odds.after(matcher);
  }

  async recognize(bytes: Uint8Array, options?: RecognizeOptions): Promise<Recognition> {
    const [answer] = await this.recognizeAll([bytes], options);
    if (answer === undefined || answer instanceof Error) throw answer;
    return answer;
  }

  async recognizeAll(
    photos: readonly Uint8Array[],
    options: RecognizeOptions | readonly RecognizeOptions[] = {},
  ): Promise<(Recognition | Error)[]> {
    const wishes = photos.map((_, index) =>
      searchOptions(isList(options) ? options[index] : options),
    );
    const top = Math.max(1, ...wishes.map((wish) => wish.top));
    // A gallery that is set while these photos are recognised applies to later photos.
    const [matcher, odds] = [this.#matcher, this.#odds];
    const isExact = wishes.some(({ embed }) => embed === 'exact');
    const networks = isExact ? inFloat32(this.#networks) : this.#networks;
    const parts = { networks, matcher, bound: this.#bound };
    const batch = new FaceBatch(this.encoder, (faces, thresholds) =>
      identifyFaces(parts, faces, thresholds, top),
    );
    const searched: (Searched | Error)[] = [];
    for (const [index, bytes] of photos.entries()) {
      const wish = { ...wishes[index]!, threshold: thresholdOf(wishes[index]!, odds) };
      searched.push(await this.#search(bytes, wish, batch).catch(asImageError));
    }
    this.#requireOpen();
    batch.finish();
    return searched.map((one) =>
      one instanceof Error ? one : recognitionOf(one, matcher.version, odds),
    );
  }

  /** Decodes and detects, adds the faces to the batch, and releases the photo's memory. */
  async #search(bytes: Uint8Array, wish: Wish, batch: FaceBatch): Promise<Searched> {
    const begun = performance.now();
    const image = await decodeImage(bytes, { orient: wish.orient });
    const decoded = performance.now();
    this.#requireOpen();
    const upright = searchFaces(this.#networks, image, wish);
    const detected = performance.now();
    const embedded = wish.embed === 'none' ? [] : upright.faces;
    const share = batch.add(upright.image, embedded, wish.threshold);
    const qualities = upright.faces.map((face) => qualityOf(upright.image, face, this.encoder));
    releaseMemory(image.data);
    if (upright.image !== image) releaseMemory(upright.image.data);
    return {
      wish,
      width: image.width,
      height: image.height,
      found: upright.faces.map((face) => faceBeforeTurn(face, image, upright.turn)),
      qualities,
      turned: upright.turn,
      decode: decoded - begun,
      detect: detected - decoded,
      share,
    };
  }

  #requireOpen(): void {
    if (this.#disposed) throw new Error('This recognizer was disposed of.');
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#networks.dispose();
  }
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}

interface Wish extends SearchOptions {
  /** Distance below which the nearest person counts as known; undefined if no option sets it. */
  readonly threshold: number | undefined;
}

function thresholdOf(
  { knownWithin, knownOdds }: SearchOptions,
  odds: GalleryOdds,
): number | undefined {
  if (knownWithin !== undefined || knownOdds === undefined) return knownWithin;
  return odds.distanceAt(knownOdds);
}

interface Searched {
  readonly wish: Wish;
  readonly width: number;
  readonly height: number;
  readonly found: readonly DetectedFace[];
  /** Of each face. */
  readonly qualities: readonly Quality[];
  readonly turned: QuarterTurn;
  /** ms */
  readonly decode: number;
  readonly detect: number;
  readonly share: BatchShare;
}

const NOT_EMBEDDED = { embedding: new Float32Array(0), nearest: [] };

function asImageError(error: unknown): ImageError {
  if (error instanceof ImageError) return error;
  throw error;
}

function recognitionOf(
  { wish, found, qualities, turned, share, decode, detect, width, height }: Searched,
  gallery: number,
  odds: GalleryOdds,
): Recognition {
  const { identities, embedMs, matchMs } = share;
  const faces = found.map((face, index): Face => {
    const { embedding, nearest } = identities[index] ?? NOT_EMBEDDED;
    const [first] = nearest;
    const known =
      wish.threshold === undefined
        ? {}
        : { known: first !== undefined && first.distance < wish.threshold };
    return {
      ...face,
      embedding,
      nearest: nearest
        .slice(0, wish.top)
        .map((neighbour) => ({ ...neighbour, odds: odds.of(neighbour.distance) })),
      ...known,
      quality: qualities[index]!,
    };
  });
  return {
    width,
    height,
    turned,
    gallery,
    faces,
    embeddedTwice: identities.filter(({ twice }) => twice).length,
    timings: { decode, detect, embed: embedMs, match: matchMs },
  };
}
