/** Photos on disk become enrolled people: any number for one person, or a folder of folders. */
import { access } from 'node:fs/promises';
import { galleryEntries } from '../../convert/gallery/folder-entries.ts';
import type { Person } from '../../people/api.ts';
import { type AddOptions, type PeopleClient, PeopleClientError } from '../../people/client.ts';
import { messageOf, SettingsError } from '../../runtime/errors.ts';
import { DETAILS_FILE, detailsIn } from './kept-photos.ts';
import { countOf } from './words.ts';

/** Photos of one request; see `POST /v1/people`. */
const PHOTOS_TOGETHER = 10;

type Lines = AsyncGenerator<string>;

/**
 * More photos than one request takes are sent in several. Each request is enrolled as a whole or not at all.
 * @throws {PeopleClientError} that says which photos are enrolled when a later request fails
 */
export async function* enrolPhotos(
  client: PeopleClient,
  name: string,
  photos: readonly string[],
  options: AddOptions,
): Lines {
  // Before anything is sent: a misspelt path must not leave the first photos enrolled.
  for (const path of photos) {
    await access(path).catch((cause: unknown) => {
      throw new SettingsError(`Cannot read ${path}: ${messageOf(cause)}`, { cause });
    });
  }
  let { add } = options;
  let person: Person | undefined;
  let gallery = 0;
  for (let at = 0; at < photos.length; at += PHOTOS_TOGETHER) {
    const some = photos.slice(at, at + PHOTOS_TOGETHER);
    const enrolled = await client.add(name, some, { ...options, add }).catch((cause: unknown) => {
      if (at === 0 || !(cause instanceof PeopleClientError)) throw cause;
      throw new PeopleClientError(
        `${numberedFrom(at, cause.message)}\n${whatIsEnrolled(name, photos, at)}`,
        { cause },
      );
    });
    for (const { message } of enrolled.doubts) {
      yield `To check: ${numberedFrom(at, message)} (\`people show\` lists the faces, \`people remove\` removes one.)`;
    }
    ({ person, gallery } = enrolled);
    add = true;
  }
  if (person === undefined) return;
  yield `${person.id}\t${person.name}\t${countOf(person.faces.length, 'face')}, gallery version ${gallery}`;
}

/** A request numbers its own photos; `at` photos were sent before it. Names in the text stay as they are. */
function numberedFrom(at: number, message: string): string {
  return message.replace(
    /^Photo (\d+)|\bPhoto (\d+)(?= \(")/g,
    (_, first?: string, named?: string) => `Photo ${at + Number(first ?? named)}`,
  );
}

function whatIsEnrolled(name: string, photos: readonly string[], at: number): string {
  const others =
    photos.length === at + 1
      ? `Photo ${at + 1} (${photos[at]}) is not`
      : `Photos ${at + 1} (${photos[at]}) to ${photos.length} (${photos.at(-1)}) are not`;
  return `Photos 1 (${photos[0]}) to ${at} (${photos[at - 1]}) are enrolled as ${name}. ${others}: correct them, and enrol only these with --add.`;
}

/** One folder a person, as `npm run convert -- --gallery` takes them; one that fails does not end the others. */
export async function* importFolder(
  client: PeopleClient,
  folder: string,
  options: AddOptions,
): Lines {
  const failed: string[] = [];
  let people = 0;
  for (const person of await galleryEntries(folder)) {
    if (person.kind !== 'folder') {
      if (person.kind === 'photo') yield skipped(person.path, "is not in a person's folder");
      if (person.kind === 'other') yield skipped(person.path, 'is no folder of a person');
      if (person.kind === 'refused') yield skipped(person.path, person.why);
      continue;
    }
    const photos: string[] = [];
    for (const entry of await galleryEntries(person.path)) {
      if (entry.kind === 'photo') photos.push(entry.path);
      if (entry.kind === 'refused') yield skipped(entry.path, entry.why);
      if (entry.kind === 'folder') yield skipped(entry.path, "is a folder in a person's folder");
      if (entry.kind === 'other' && entry.name !== DETAILS_FILE) {
        yield skipped(entry.path, 'is no photo');
      }
    }
    if (photos.length === 0) {
      failed.push(`${person.path}: no photo in it`);
      continue;
    }
    try {
      const details = await detailsIn(person.path);
      yield* enrolPhotos(client, person.name.normalize('NFC'), photos, { ...details, ...options });
      people += 1;
    } catch (error) {
      if (!(error instanceof PeopleClientError)) throw error;
      failed.push(`${person.path}: ${error.message}`);
    }
  }
  if (people === 0 && failed.length === 0) {
    throw new SettingsError(`${folder} has no folder in it: give each person one, with photos.`);
  }
  if (failed.length > 0) {
    const enrolled = `${countOf(people, 'person', 'people')} enrolled`;
    throw new PeopleClientError([`${enrolled}, ${failed.length} not:`, ...failed].join('\n'));
  }
}

const skipped = (path: string, why: string): string => `Skipped: ${path} ${why}.`;
