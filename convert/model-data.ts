/** The files that a model is converted from: where they are, or fetched from their official homes. */
import { existsSync } from 'node:fs';
import { readStateDict } from './checkpoint.ts';
import { CheckpointError } from './errors.ts';
import { obtain, type Places } from './obtain.ts';
import type { OnProgress } from './progress.ts';
import { modelFilesPublished } from './published-files.ts';

/** Paths. */
export interface ModelData {
  readonly pnet: string;
  readonly rnet: string;
  readonly onet: string;
  readonly encoder: string;
  /** A data.pt, or a folder with one sub-folder of photos a person. */
  readonly gallery: string;
}

export interface FindOptions {
  /** A folder that is looked into first. */
  readonly checkpoints?: string | undefined;
  /** Taken instead of the published gallery. */
  readonly gallery?: string | undefined;
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
  const { checkpoints, gallery, onProgress, places } = options;
  if (gallery !== undefined && !existsSync(gallery)) {
    throw new CheckpointError(
      `The gallery ${gallery} does not exist: name a data.pt, or a folder with one sub-folder of photos a person.`,
    );
  }
  onProgress?.({ stage: 'find' });
  const how = { named: checkpoints, places, onProgress, check: readStateDict };
  if (gallery === undefined) return obtain(modelFilesPublished, how);
  const { pnet, rnet, onet, encoder } = modelFilesPublished;
  return { ...(await obtain({ pnet, rnet, onet, encoder }, how)), gallery };
}
