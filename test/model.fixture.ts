/**
 * The converted model that tests run on: made once in the user's cache, whichever test process comes
 * first, and kept for the next run.
 */
import { join } from 'node:path';
import { convertModel } from '../convert/convert-model.ts';
import { type EncoderKind, FORMAT_VERSION } from '../model/format.ts';
import { readManifest } from '../model/manifest.ts';
import { readGallery } from '../model/match/gallery.ts';
import { folders } from '../runtime/folders.ts';
import { readSettings } from '../runtime/settings.ts';

const directories = new Map<EncoderKind | undefined, Promise<string>>();

/**
 * The folder of a model converted from the data that is found (FACE_CHECKPOINTS, ../shared, the cache,
 * a download), converted again whenever that data or the format changed.
 * @param encoder default: facenet where its weights can be had, else compact
 * @throws {CheckpointError} saying where it was looked for, when there is no model data
 */
export function modelDirectory(encoder?: EncoderKind): Promise<string> {
  const found = directories.get(encoder) ?? convertOnce(encoder);
  directories.set(encoder, found);
  return found;
}

/** Of the model that tests run on. */
export async function modelEncoder(): Promise<EncoderKind> {
  return (await readManifest(await modelDirectory())).encoder.kind;
}

/** For node:test's `skip`: false where facenet's weights can be had, else the reason. */
export async function facenetMissing(): Promise<false | string> {
  const isThere = (await modelEncoder()) === 'facenet';
  return isThere ? false : 'facenet’s weights are not on this machine and cannot be downloaded';
}

/** How many people that model knows. */
export async function peopleKnown(): Promise<number> {
  return new Set((await readGallery(await modelDirectory())).names).size;
}

async function convertOnce(encoder: EncoderKind | undefined): Promise<string> {
  // By its format: checkouts of different ages may share the cache.
  const name = ['test-model', FORMAT_VERSION, ...(encoder === undefined ? [] : [encoder])].join(
    '-',
  );
  const target = join(folders.cache, name);
  await convertModel(target, { checkpoints: readSettings().FACE_CHECKPOINTS, encoder });
  return target;
}
