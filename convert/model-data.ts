/** The files that a model is converted from: where they are, or fetched from their official homes. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { EncoderKind } from '../model/format.ts';
import { readStateDict } from './checkpoint.ts';
import { CheckpointError } from './errors.ts';
import { obtain, type Places, usualPlaces } from './obtain.ts';
import type { OnProgress } from './progress.ts';
import { modelFilesPublished } from './published-files.ts';

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
}

export interface FindOptions {
  /** A folder that is looked into first. */
  readonly checkpoints?: string | undefined;
  /** Taken instead of the published gallery. */
  readonly gallery?: string | undefined;
  /** Default: facenet. */
  readonly encoder?: EncoderKind | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** Other places than the usual ones. */
  readonly places?: Places | undefined;
}

/**
 * Looks in `checkpoints`, in ../shared beside the checkout and in the user's cache; downloads what none
 * of them has.
 * @throws {CheckpointError} saying which files are missing and where to put them
 */
export async function findModelData(options: FindOptions = {}): Promise<ModelData> {
  const { checkpoints, gallery, onProgress, places, encoder = 'facenet' } = options;
  if (gallery !== undefined && !existsSync(gallery)) {
    throw new CheckpointError(
      `The gallery ${gallery} does not exist: name a data.pt, or a folder with one sub-folder of photos a person.`,
    );
  }
  onProgress?.({ stage: 'find' });
  const how = { named: checkpoints, places, onProgress, check: readStateDict };
  const { encoder: facenet, gallery: course, ...detection } = modelFilesPublished;
  const files = await obtain<string>(
    {
      ...detection,
      ...(encoder === 'facenet' && { facenet }),
      ...(gallery === undefined && { gallery: course }),
    },
    how,
  );
  return {
    pnet: files.pnet!,
    rnet: files.rnet!,
    onet: files.onet!,
    encoder:
      encoder === 'facenet'
        ? { kind: 'facenet', checkpoint: files.facenet! }
        : findCompact(checkpoints, places),
    gallery: gallery ?? files.gallery!,
  };
}

const COMPACT_WEIGHTS = 'face_recognition_model.bin';
const COMPACT_MANIFEST = 'face_recognition_model-weights_manifest.json';

/** Under the names that they have in @vladmandic/face-api's folder `model`. */
function findCompact(
  checkpoints: string | undefined,
  { shared, cache }: Places = usualPlaces,
): EncoderSource {
  const folders = [...(checkpoints === undefined ? [] : [checkpoints]), shared, cache];
  const folder = folders.find((one) =>
    [COMPACT_WEIGHTS, COMPACT_MANIFEST].every((file) => existsSync(join(one, file))),
  );
  if (folder === undefined) {
    throw new CheckpointError(
      `The compact encoder's weights are not in ${folders.join(', ')}: put ${COMPACT_WEIGHTS} and ` +
        `${COMPACT_MANIFEST} from the npm package @vladmandic/face-api into one of them.`,
    );
  }
  return {
    kind: 'compact',
    weights: join(folder, COMPACT_WEIGHTS),
    manifest: join(folder, COMPACT_MANIFEST),
  };
}
