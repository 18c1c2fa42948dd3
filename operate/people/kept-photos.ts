/** Kept photos of enrolled people as folders that `import` takes, e.g. for a model with another encoder. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAwsClients } from '../../cloud/aws/clients.ts';
import { openObjects } from '../../cloud/aws/s3/stored-objects.ts';
import { cloudNames } from '../../cloud/contract/names.ts';
import { type PersonDetails, personDetailsSchema } from '../../people/api.ts';
import { type PeopleClient, PeopleClientError } from '../../people/client.ts';
import { peopleKeys } from '../../people/head.ts';
import { SettingsError } from '../../runtime/errors.ts';
import type { Settings } from '../../runtime/settings.ts';
import { cannotMake, countOf } from './words.ts';

/** In a person's folder: what is known of the person beside the photos. */
export const DETAILS_FILE = 'person.json';
const MOST_FOLDER_NAME_BYTES = 255;

/**
 * Writes a folder for each person who has a kept photo, with details that `detailsIn` reads.
 * @param settings of the deployment whose people bucket is read
 * @throws {PeopleClientError} at the end, with the names of people who have no kept photo
 */
export async function* saveKeptPhotos(
  client: PeopleClient,
  folder: string,
  settings: Settings,
): AsyncGenerator<string> {
  const aws = createAwsClients(settings);
  try {
    const bucket = openObjects(
      aws.s3,
      cloudNames(settings.PROJECT_ID, settings.BUCKET_SUFFIX).peopleBucket,
    );
    const keyOf = new Map<string, string>();
    for await (const page of bucket.pages(peopleKeys.allPhotos)) {
      for (const { key } of page) keyOf.set(/([^/]*)\.jpg$/.exec(key)?.[1] ?? key, key);
    }
    const missing: string[] = [];
    let [people, photos] = [0, 0];
    for await (const { id, name, metadata, consent, expires } of client.list()) {
      const { faces } = await client.get(id);
      const kept = faces.flatMap((face) => keyOf.get(face.id) ?? []);
      if (kept.length < faces.length) {
        missing.push(missingOf(name, faces.length - kept.length, faces.length));
      }
      if (kept.length === 0) continue;
      if (!isFolderName(name)) {
        missing.push(`${name}: this name cannot be that of a folder`);
        continue;
      }
      if (people === 0) await makeFolder(folder);
      const own = join(folder, name);
      await mkdir(own, { mode: 0o700 });
      for (const [at, key] of kept.entries()) {
        const bytes = await bucket.get(key);
        if (bytes === undefined) continue;
        await writeFile(join(own, `${at + 1}.jpg`), bytes, { mode: 0o600 });
        photos += 1;
      }
      const details = JSON.stringify({ metadata, consent, expires });
      await writeFile(join(own, DETAILS_FILE), details, { mode: 0o600 });
      people += 1;
    }
    if (people > 0) {
      const all = `${countOf(photos, 'photo')} of ${countOf(people, 'person', 'people')}`;
      const them = photos === 1 ? 'it' : 'them';
      yield `Wrote ${all} to ${folder}: \`people import ${folder}\` enrols ${them}.`;
    } else if (missing.length === 0) {
      yield `Nothing written to ${folder}: nobody is in the gallery.`;
    }
    if (missing.length > 0) {
      throw new PeopleClientError(
        [
          'Enrol these again from photos of your own (only KEEP_ENROLLED_PHOTOS=true keeps them):',
          ...missing,
        ].join('\n'),
      );
    }
  } catch (error) {
    throw withAdvice(error, settings);
  } finally {
    aws.destroy();
  }
}

/** Only now that there is something to write: an empty folder would be in the way of the next attempt. */
async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { mode: 0o700 }).catch((cause: unknown) => {
    throw cannotMake(`make the folder ${folder}`, cause);
  });
}

function missingOf(name: string, missing: number, faces: number): string {
  if (missing < faces) return `${name}: no photo of ${missing} of ${faces} faces`;
  return `${name}: no photo is kept`;
}

/** What the SDK says of an unset access names no setting. */
function withAdvice(cause: unknown, { PROJECT_ID }: Settings): unknown {
  const name = cause instanceof Error ? cause.name : '';
  if (name === 'CredentialsProviderError') {
    return new SettingsError(
      'Kept photos are read from the people bucket, and no AWS access is set: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and the PROJECT_ID of the deployment. For `npm start`, set AWS_ENDPOINT_URL=http://127.0.0.1:4566 and its PROJECT_ID.',
      { cause },
    );
  }
  if (name === 'NoSuchBucket') {
    return new SettingsError(
      `The project ${PROJECT_ID} has no people bucket here: set PROJECT_ID to that of the deployment.`,
      { cause },
    );
  }
  return cause;
}

/** @throws {PeopleClientError} when the file is not one that this program wrote */
export async function detailsIn(folder: string): Promise<PersonDetails> {
  const path = join(folder, DETAILS_FILE);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return {};
  try {
    return personDetailsSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new PeopleClientError(`${path} does not hold the details of a person: remove it.`, {
      cause,
    });
  }
}

function isFolderName(name: string): boolean {
  return (
    !/[/\\]/.test(name) &&
    !name.startsWith('.') &&
    Buffer.byteLength(name) <= MOST_FOLDER_NAME_BYTES
  );
}
