/**
 * The whole way from image bytes to people: decode, detect, align, embed, match. Knows no cloud, no
 * file names and no command line.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { alignFaces } from './align.ts';
import { type OpenOptions, openNetworks } from './backend/index.ts';
import { decodeImage } from './decode.ts';
import { type DetectedFace, detectFaces } from './detect/cascade.ts';
import { ModelError } from './errors.ts';
import {
  EMBEDDING_LENGTH,
  FACE_SIZE,
  FORMAT_VERSION,
  manifestSchema,
  modelFiles,
} from './format.ts';
import { readGallery } from './gallery.ts';
import type { RgbImage } from './image.ts';
import { Matcher, type Neighbour } from './match.ts';
import type { Backend, Networks } from './networks.ts';

/** A face found in a photo; the largest, or with `allFaces` every one, is also recognised. */
export interface Face extends DetectedFace {
  /** [512], of length 1 */
  readonly embedding?: Float32Array;
  /** the nearest known people, nearest first */
  readonly nearest?: readonly Neighbour[];
}

/** A face with its embedding and the people nearest to it. */
export type RecognizedFace = Required<Face>;

export interface Recognition {
  /** px, of the upright photo unless `orient` was false */
  readonly width: number;
  readonly height: number;
  /** All faces, largest first; none is no error. */
  readonly faces: readonly Face[];
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
  /** Recognise every face, not only the largest. Default false. */
  readonly allFaces?: boolean;
  /** Turn the photo upright by its EXIF orientation first. Default true. */
  readonly orient?: boolean;
}

export interface LoadOptions extends OpenOptions {
  /** Run every network once while loading, so that the first photo is not slower. Default false. */
  readonly warmUp?: boolean;
}

export interface Recognizer {
  readonly backend: Backend;
  /** How many people the gallery knows. */
  readonly people: number;
  /**
   * Finds and recognises the faces in the bytes of an image file. The networks run synchronously: the
   * event loop stands still for most of the time.
   * @throws {ImageError} when the bytes are not a whole image of a supported format
   */
  recognize(bytes: Uint8Array, options?: RecognizeOptions): Promise<Recognition>;
  /** Frees the networks; no photo can be recognised afterwards. */
  dispose(): void;
}

/** The largest face, recognised; undefined where the photo has no face. */
export function largestFace({ faces }: Recognition): RecognizedFace | undefined {
  const face = faces[0];
  return face && isRecognized(face) ? face : undefined;
}

/** Whether the face was embedded and matched. */
export function isRecognized(face: Face): face is RecognizedFace {
  return face.embedding !== undefined && face.nearest !== undefined;
}

/**
 * Loads the converted model from its folder.
 * @throws {ModelError} when the folder holds no model of this version
 * @throws {BackendError} when the backend asked for cannot run here
 */
export async function loadRecognizer(
  directory: string,
  { warmUp = false, ...open }: LoadOptions = {},
): Promise<Recognizer> {
  await requireModel(directory);
  const matcher = new Matcher(await readGallery(directory));
  const networks = await openNetworks(directory, open);
  if (warmUp) runEachNetwork(networks);
  return new LoadedRecognizer(networks, matcher);
}

/** More faces than this in one call would only take memory. */
const FACES_PER_CALL = 16;
const DEFAULT_TOP = 3;

class LoadedRecognizer implements Recognizer {
  readonly #networks: Networks;
  readonly #matcher: Matcher;
  #disposed = false;

  constructor(networks: Networks, matcher: Matcher) {
    this.#networks = networks;
    this.#matcher = matcher;
  }

  get backend(): Backend {
    return this.#networks.backend;
  }

  get people(): number {
    return this.#matcher.people;
  }

  async recognize(
    bytes: Uint8Array,
    { top = DEFAULT_TOP, allFaces = false, orient = true }: RecognizeOptions = {},
  ): Promise<Recognition> {
    if (!Number.isInteger(top) || top < 1)
      throw new RangeError('top must be a whole number from 1.');
    const times = [performance.now()];
    const lap = (): number => times.push(performance.now());
    const image = await decodeImage(bytes, { orient });
    lap();
    if (this.#disposed) throw new Error('This recognizer was disposed of.');
    const found = detectFaces(this.#networks, image);
    lap();
    const embeddings = this.#embed(image, allFaces ? found : found.slice(0, 1));
    lap();
    const faces = found.map((face, index): Face => {
      const embedding = embeddings[index];
      if (embedding === undefined) return face;
      return { ...face, embedding, nearest: this.#matcher.nearest(embedding, top) };
    });
    lap();
    const [decode, detect, embed, match] = times.slice(1).map((time, step) => time - times[step]!);
    return {
      width: image.width,
      height: image.height,
      faces,
      timings: { decode: decode!, detect: detect!, embed: embed!, match: match! },
    };
  }

  #embed(image: RgbImage, faces: readonly DetectedFace[]): Float32Array[] {
    const embeddings: Float32Array[] = [];
    for (let at = 0; at < faces.length; at += FACES_PER_CALL) {
      const boxes = faces.slice(at, at + FACES_PER_CALL).map(({ box }) => box);
      const values = this.#networks.embed(alignFaces(image, boxes), boxes.length);
      for (let row = 0; row < boxes.length; row++) {
        embeddings.push(values.slice(row * EMBEDDING_LENGTH, (row + 1) * EMBEDDING_LENGTH));
      }
    }
    return embeddings;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#networks.dispose();
  }
}

/** Grey input: what comes out does not matter, only that kernels are compiled and memory is there. */
function runEachNetwork(networks: Networks): void {
  const grey = (size: number): Float32Array => new Float32Array(size * size * 3);
  networks.propose(grey(64), 64, 64);
  networks.refine(grey(24), 1);
  networks.output(grey(48), 1);
  networks.embed(grey(FACE_SIZE), 1);
}

async function requireModel(directory: string): Promise<void> {
  const path = join(directory, modelFiles.manifest);
  const convert = 'convert it with `npm run convert`';
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new ModelError(`There is no converted model in ${directory}: ${convert}.`, { cause });
  }
  try {
    manifestSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ModelError(
      `The model in ${directory} is not of format ${FORMAT_VERSION}, which this version reads: ` +
        `${convert}.`,
      { cause },
    );
  }
}
