/**
 * The whole way from image bytes to people: decode, detect, align, embed, match. Knows no cloud, no
 * file names and no command line.
 */
import { commandLine } from '../runtime/installation.ts';
import { openNetworks } from './backend/open-networks.ts';
import { decodeImage } from './decode/decode.ts';
import type { DetectedFace } from './detect/faces.ts';
import { proposeOnScales } from './detect/propose.ts';
import { type SearchOptions, searchFaces, searchOptions } from './detect/search.ts';
import { ImageError, ModelError } from './errors.ts';
import { type BatchShare, FaceBatch } from './face-batch.ts';
import type { EncoderDescription, Precision } from './format.ts';
import { identifyFaces, inFloat32 } from './identify.ts';
import { releaseMemory } from './image/image.ts';
import { faceBeforeTurn, type QuarterTurn } from './image/turn.ts';
import { readManifest } from './manifest.ts';
import { readGallery, requireGalleryOf } from './match/gallery.ts';
import { GalleryMatcher } from './match/gallery-matcher.ts';
import type { Backend, Networks } from './networks.ts';
import { choosePrecision, ON_WASM } from './precision/fastest.ts';
import type {
  Face,
  LoadOptions,
  Recognition,
  RecognizeOptions,
  Recognizer,
} from './recognition.ts';

/**
 * Loads the converted model from its folder.
 * @throws {ModelError} when the folder holds no model of this version
 * @throws {BackendError} when the backend asked for cannot run here
 */
export async function loadRecognizer(
  directory: string,
  { warmUp = false, precision = 'auto', ...open }: LoadOptions = {},
): Promise<Recognizer> {
  const manifest = await readManifest(directory);
  const { bfloat16Bound, encoder } = manifest;
  if (precision === 'bfloat16' && !encoder.precisions.includes(precision)) {
    throw new ModelError(
      `The model in ${directory} has the ${encoder.kind} encoder, which computes in float32 only: ` +
        'set PRECISION to auto or float32.',
    );
  }
  if (precision === 'bfloat16' && bfloat16Bound === undefined) {
    throw new ModelError(
      `The model in ${directory} was converted where its error in bfloat16 could not be measured: ` +
        `use float32, or convert it again with \`${commandLine('convert')}\` where tensorflow loads.`,
    );
  }
  const choice = await choosePrecision(directory, manifest, { ...open, precision });
  const gallery = await readGallery(directory);
  requireGalleryOf(encoder, gallery, directory);
  const matcher = GalleryMatcher.of(gallery);
  const networks = await openNetworks(directory, {
    ...open,
    encoder,
    precision: choice.precision,
  });
  if (warmUp) runEachNetwork(networks);
  const reason = networks.backend === 'wasm' ? ON_WASM : choice.reason;
  return new LoadedRecognizer(networks, matcher, bfloat16Bound ?? 0, reason);
}

class LoadedRecognizer implements Recognizer {
  readonly #networks: Networks;
  #matcher: GalleryMatcher;
  readonly #bound: number;
  readonly precisionReason: string;
  #disposed = false;

  constructor(networks: Networks, matcher: GalleryMatcher, bound: number, precisionReason: string) {
    this.precisionReason = precisionReason;
    this.#bound = bound;
    this.#networks = networks;
    this.#matcher = matcher;
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
    // A gallery that is set while these photos are in work is for the next ones.
    const matcher = this.#matcher;
    const isExact = wishes.some(({ embed }) => embed === 'exact');
    const parts = {
      networks: isExact ? inFloat32(this.#networks) : this.#networks,
      matcher,
      bound: this.#bound,
      threshold: wishes.find((wish) => wish.knownWithin !== undefined)?.knownWithin,
    };
    const batch = new FaceBatch(this.encoder, (faces, count) =>
      identifyFaces(parts, faces, count, top),
    );
    const searched: (Searched | Error)[] = [];
    for (const [index, bytes] of photos.entries()) {
      searched.push(await this.#search(bytes, wishes[index]!, batch).catch(asImageError));
    }
    this.#requireOpen();
    batch.finish();
    return searched.map((one) =>
      one instanceof Error ? one : recognitionOf(one, matcher.version),
    );
  }

  /** Decodes, detects, and gives the faces to the batch; the photo's memory is released. */
  async #search(bytes: Uint8Array, wish: SearchOptions, batch: FaceBatch): Promise<Searched> {
    const begun = performance.now();
    const image = await decodeImage(bytes, { orient: wish.orient });
    const decoded = performance.now();
    this.#requireOpen();
    const upright = searchFaces(this.#networks, image, wish);
    const detected = performance.now();
    const share = batch.add(upright.image, wish.embed === 'none' ? [] : upright.faces);
    releaseMemory(image.data);
    if (upright.image !== image) releaseMemory(upright.image.data);
    return {
      wish,
      width: image.width,
      height: image.height,
      found: upright.faces.map((face) => faceBeforeTurn(face, image, upright.turn)),
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

interface Searched {
  readonly wish: SearchOptions;
  readonly width: number;
  readonly height: number;
  readonly found: readonly DetectedFace[];
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
  { wish, found, turned, share, decode, detect, width, height }: Searched,
  gallery: number,
): Recognition {
  const { identities, embedMs, matchMs } = share;
  const faces = found.map((face, index): Face => {
    const { embedding, nearest } = identities[index] ?? NOT_EMBEDDED;
    const [first] = nearest;
    const known =
      wish.knownWithin === undefined
        ? {}
        : { known: first !== undefined && first.distance < wish.knownWithin };
    return { ...face, embedding, nearest: nearest.slice(0, wish.top), ...known };
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

/** Grey input: what comes out does not matter, only that kernels are compiled and memory is there. */
function runEachNetwork(networks: Networks): void {
  const grey = (size: number): Float32Array => new Float32Array(size * size * 3);
  const level = { scale: 1, left: 0, top: 0, width: 64, height: 64, data: grey(64) };
  proposeOnScales(networks, [[level]], 1);
  networks.refine(grey(24), 1);
  networks.output(grey(48), 1);
  // In bfloat16 float32 is for a face in five: the first such takes a quarter second more, not every start.
  networks.embed(grey(networks.encoder.faceSize), 1, networks.precision);
}
