/**
 * From checkpoints to a model folder, once for the same inputs: all steps of the conversion in their
 * order. Knows neither the command line nor how any of the files look inside.
 */
import { rm } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import type { EncoderKind, Manifest } from '../model/format.ts';
import { type Gallery, readGallery } from '../model/match/gallery.ts';
import { GalleryMatcher } from '../model/match/gallery-matcher.ts';
import { sampleGallery } from '../model/odds/sample.ts';
import { trialOf } from '../model/precision/fastest.ts';
import { ElasticFaceError, errorCodeOf } from '../runtime/errors.ts';
import { withLock } from '../runtime/lock.ts';
import { readStateDict } from './checkpoint/read-checkpoint.ts';
import { identified } from './encoder-identity.ts';
import { encoders } from './encoders.ts';
import { CheckpointError } from './errors.ts';
import {
  type GallerySource,
  gallerySource,
  makeGallery,
  type PhotosReport,
  writeGallery,
} from './gallery/make-gallery.ts';
import { shareOfSecondLooks } from './gallery/second-looks.ts';
import { digestInputs } from './input-digests.ts';
import type { OnProgress } from './progress.ts';
import { type EngineTest, withTestedModel } from './self-test/tested-engines.ts';
import { findModelData, type ModelData } from './sources/model-data.ts';
import {
  type FileDigest,
  makeFreshFolder,
  readIntactManifest,
  replaceWithFresh,
  requireReplaceable,
  restorePrevious,
  writeManifest,
} from './write/model-folder.ts';
import {
  findWorkPlaces,
  outputErrorOf,
  requireFreeSpace,
  type WorkPlaces,
} from './write/work-places.ts';
import { buildNetworks, networkNames, writeNetworks } from './write/write-networks.ts';

/** What a model takes on the disk, rounded up, by how its float32 encoder is stored. */
const MODEL_BYTES: Readonly<Record<Manifest['weights'], number>> = {
  float32: 150e6,
  float16: 105e6,
  uint8: 20e6,
};

export type FacenetStorage = Exclude<Manifest['weights'], 'uint8'>;

export interface ConvertOptions {
  /** Folder of the .pt files; default: where the model data is found or downloaded to. */
  readonly checkpoints?: string | undefined;
  /** A data.pt, or a folder with one sub-folder of photos a person. */
  readonly gallery?: string | undefined;
  /** Default: facenet where its weights can be had, else compact. */
  readonly encoder?: EncoderKind | undefined;
  /** Accept weights other than the published ones after checking that the answers are sane. */
  readonly anyWeights?: boolean | undefined;
  /**
   * How facenet's float32 encoder is stored; float16 takes half the disk. Default float32. The compact
   * one is stored in the 8 bits that it was published in.
   */
  readonly weights?: FacenetStorage | undefined;
  readonly onProgress?: OnProgress | undefined;
}

export interface Conversion {
  readonly directory: string;
  /** False when the folder held the model of these inputs already. */
  readonly converted: boolean;
  /** Names in the gallery, each counted once. */
  readonly people: number;
  /** Which engines ran the model, and how near to PyTorch; empty when nothing was converted. */
  readonly tests: readonly EngineTest[];
  /** What came of a folder of photos; undefined for another gallery or when nothing was converted. */
  readonly photos?: PhotosReport | undefined;
  /** Sentences about people and photos of the gallery that may be wrong; empty when nothing was converted. */
  readonly doubts: readonly string[];
  /** What was taken in place of what could not be had: a sentence for people. */
  readonly note?: string | undefined;
}

/**
 * Converts into `directory`, replacing the model there at once when all of the new one is written and
 * tested. Unchanged inputs convert nothing. Other processes that convert into it wait their turn.
 * @throws {CheckpointError} when an input is missing, damaged or foreign
 * @throws {SelfTestError} when the model does not answer as it should
 * @throws {OutputError} when the folder cannot be written or holds something else
 */
export async function convertModel(
  directory: string,
  options: ConvertOptions = {},
): Promise<Conversion> {
  const places = await findWorkPlaces(directory);
  try {
    return await withLock(places.lock, () => convertLocked(places, options), {
      onWait: () => options.onProgress?.({ stage: 'wait' }),
    });
  } catch (error) {
    throw isSystemError(error) ? outputErrorOf(places.directory, error) : error;
  }
}

/** What the file system or the lock refused, unlike what this program found wrong or did wrong. */
function isSystemError(error: unknown): boolean {
  if (error instanceof ElasticFaceError) return false;
  return /^(?:E[A-Z0-9]+|ERR_SQLITE_ERROR)$/.test(errorCodeOf(error) ?? '');
}

async function convertLocked(places: WorkPlaces, options: ConvertOptions): Promise<Conversion> {
  const { onProgress = () => {} } = options;
  const { directory } = places;
  await restorePrevious(places);
  await requireReplaceable(places);
  const data = await findModelData(options);
  onProgress({ stage: 'check' });
  const encoder = encoders[data.encoder.kind];
  const weights = storageOf(encoder.kind, options.weights);
  const source = await gallerySource(data.gallery);
  requireGalleryOf(encoder.kind, source);
  const { inputs, digests } = await digestInputs(data, source);
  const present = await readIntactManifest(directory);
  if (present?.weights === weights && sameDigests(present.inputs, inputs)) {
    return unchanged(directory, data.note);
  }
  await requireFreeSpace(places, MODEL_BYTES[weights]);
  const fresh = await makeFreshFolder(places);
  try {
    await convertNetworks(fresh, data, weights, onProgress);
    onProgress({ stage: 'test' });
    const {
      tests,
      bfloat16Bound,
      result: { gallery, photos, doubts },
    } = await withTestedModel(
      fresh,
      encoder,
      { anyWeights: options.anyWeights ?? false, weights },
      (engine) => makeGallery(source, engine, digests, onProgress),
    );
    await writeGallery(fresh, gallery);
    const bfloat16 = bfloat16Bound && describeBfloat16(fresh, gallery, bfloat16Bound);
    const odds = sampleGallery(GalleryMatcher.of(gallery));
    const own = identified(encoder, tests, inputs);
    await writeManifest(fresh, { inputs, encoder: own, weights, odds, ...bfloat16 });
    await replaceWithFresh(places);
    return {
      directory,
      converted: true,
      people: countPeople(gallery),
      tests,
      photos,
      doubts,
      note: data.note,
    };
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** @throws {CheckpointError} when the encoder cannot be stored like that */
function storageOf(encoder: EncoderKind, asked: FacenetStorage | undefined): Manifest['weights'] {
  if (encoder === 'facenet') return asked ?? 'float32';
  if (asked === undefined) return 'uint8';
  throw new CheckpointError(
    `The compact encoder's weights are published in 8 bits and stored so: leave out --weights ${asked}.`,
  );
}

/** @throws {CheckpointError} when a gallery file holds embeddings of another encoder */
function requireGalleryOf(encoder: EncoderKind, source: GallerySource): void {
  if (!('file' in source) || source.gallery.encoder === encoder) return;
  throw new CheckpointError(
    `${source.file} holds ${source.gallery.encoder} embeddings, which the ${encoder} encoder cannot be ` +
      `compared with: convert with --encoder ${source.gallery.encoder}, or name a folder of photos with --gallery.`,
  );
}

/** All that says when bfloat16 pays: measured here, estimated for other processors. */
function describeBfloat16(directory: string, gallery: Gallery, bfloat16Bound: number) {
  const timings = trialOf(directory, 1);
  const secondLooks = shareOfSecondLooks(gallery, bfloat16Bound);
  return { bfloat16Bound, secondLooks, timings };
}

/** Apart from what follows, so that the weights leave memory before an engine takes its own. */
async function convertNetworks(
  directory: string,
  data: ModelData,
  weights: Manifest['weights'],
  onProgress: OnProgress,
): Promise<void> {
  const networks = await buildNetworks(data, readStateDict, (path, index) =>
    onProgress({ stage: 'read', detail: path, share: index / networkNames.length }),
  );
  onProgress({ stage: 'write' });
  await writeNetworks(directory, networks, weights);
}

function sameDigests(a: readonly FileDigest[], b: readonly FileDigest[]): boolean {
  return isDeepStrictEqual(a, b);
}

async function unchanged(directory: string, note: string | undefined): Promise<Conversion> {
  const gallery = await readGallery(directory);
  return { directory, converted: false, people: countPeople(gallery), tests: [], doubts: [], note };
}

function countPeople({ names }: Gallery): number {
  return new Set(names).size;
}
