/**
 * The converted model that tests run on: made once in the user's cache, whichever test process comes
 * first, and kept for the next run.
 */
import { join } from 'node:path';
import { convertModel } from '../convert/convert-model.ts';
import { FORMAT_VERSION } from '../model/format.ts';
import { folders } from '../runtime/folders.ts';
import { readSettings } from '../runtime/settings.ts';

let directory: Promise<string> | undefined;

/**
 * The folder of a model converted from the data that is found (FACE_CHECKPOINTS, ../shared, the cache,
 * a download), converted anew whenever that data or the format changed.
 * @throws {CheckpointError} saying where it was looked for, when there is no model data
 */
export function modelDirectory(): Promise<string> {
  directory ??= convertOnce();
  return directory;
}

async function convertOnce(): Promise<string> {
  // By its format: checkouts of different ages may share the cache.
  const target = join(folders.cache, `test-model-${FORMAT_VERSION}`);
  await convertModel(target, { checkpoints: readSettings().FACE_CHECKPOINTS });
  return target;
}
