/** What `npm run people` does: each action on people that are named by id or by their whole name. */
import { createWriteStream, openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { readSettingsOfStack } from '../../cloud/aws/stack-settings.ts';
import { galleryEntries } from '../../convert/gallery/folder-entries.ts';
import type { Enrolment, Person } from '../../people/api.ts';
import { type AddOptions, type PeopleClient, PeopleClientError } from '../../people/client.ts';
import { messageOf, SettingsError } from '../../runtime/errors.ts';
import { exchangeOfEmbeddings, isExport } from './import-embeddings.ts';
import { detailsIn, saveKeptPhotos } from './kept-photos.ts';

/** Photos of one request; see `POST /v1/people`. */
const PHOTOS_TOGETHER = 10;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export interface ActionFlags extends AddOptions {
  /** Also delete results that name a forgotten person. */
  readonly answers: boolean;
}

type Lines = AsyncGenerator<string>;

interface Action {
  /** How its arguments are called in errors and in the help. */
  readonly takes: string;
  readonly least: number;
  readonly most: number;
  run(client: PeopleClient, args: readonly string[], flags: ActionFlags): Lines;
}

export const actions = {
  list: {
    takes: '[PART_OF_NAME]',
    least: 0,
    most: 1,
    async *run(client, [q]) {
      for await (const { id, name, faces, expires } of client.list(q)) {
        const until = expires === undefined ? '' : `\texpires ${expires}`;
        yield `${id}\t${name}\t${faceCount(faces)}${until}`;
      }
    },
  },
  show: {
    takes: 'PERSON',
    least: 1,
    most: 1,
    async *run(client, [who]) {
      yield JSON.stringify(await client.get(await idOf(client, who)), null, 2);
    },
  },
  add: {
    takes: 'NAME PHOTO…',
    least: 2,
    most: Number.POSITIVE_INFINITY,
    async *run(client, [name = '', ...photos], flags) {
      yield* enrol(client, name, photos, flags);
    },
  },
  rename: {
    takes: 'PERSON NEW_NAME',
    least: 2,
    most: 2,
    async *run(client, [who, name = '']) {
      const version = await client.rename(await idOf(client, who), name);
      yield `Renamed to ${name}, gallery version ${version}.`;
    },
  },
  merge: {
    takes: 'PERSON OTHER_PERSON',
    least: 2,
    most: 2,
    async *run(client, [who, other]) {
      const version = await client.merge(await idOf(client, who), await idOf(client, other));
      yield `${other} is now part of ${who}, gallery version ${version}.`;
    },
  },
  remove: {
    takes: 'PERSON FACE_ID',
    least: 2,
    most: 2,
    async *run(client, [who, face = '']) {
      const version = await client.removeFace(await idOf(client, who), face);
      yield `Removed 1 face of ${who}, gallery version ${version}.`;
    },
  },
  forget: {
    takes: 'PERSON',
    least: 1,
    most: 1,
    async *run(client, [who], { answers }) {
      yield JSON.stringify(await client.forget(await idOf(client, who), answers), null, 2);
    },
  },
  receipt: {
    takes: 'RECEIPT_ID',
    least: 1,
    most: 1,
    async *run(client, [id = '']) {
      yield JSON.stringify(await client.receipt(id), null, 2);
    },
  },
  import: {
    takes: 'FILE_OR_FOLDER',
    least: 1,
    most: 1,
    async *run(client, [path = ''], flags) {
      const found = await stat(path).catch((cause: unknown) => {
        throw new SettingsError(`Cannot read ${path}: ${messageOf(cause)}.`, { cause });
      });
      if (found.isDirectory()) return yield* importFolder(client, path, flags);
      const { people, faces, gallery } = await client.import(
        (await isExport(path)) ? await openAsBlob(path) : await exchangeOfEmbeddings(path),
      );
      yield `Imported ${people} people with ${faces} faces, gallery version ${gallery}.`;
    },
  },
  export: {
    takes: 'FILE',
    least: 1,
    most: 1,
    async *run(client, [path = '']) {
      // A file that is there is never overwritten by half a gallery.
      const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
      await pipeline(Readable.from(await client.export()), file);
      yield `Wrote ${path}: it holds names and embeddings, protect it as you protect the photos.`;
    },
  },
  photos: {
    takes: 'FOLDER',
    least: 1,
    most: 1,
    async *run(client, [folder = '']) {
      yield* saveKeptPhotos(client, folder, await readSettingsOfStack());
    },
  },
  versions: {
    takes: '',
    least: 0,
    most: 0,
    async *run(client) {
      for (const { version, at, change, faces } of await client.versions()) {
        yield `${version}\t${at}\t${faces} faces\t${change}`;
      }
    },
  },
  rollback: {
    takes: 'VERSION',
    least: 1,
    most: 1,
    async *run(client, [version = '']) {
      if (!/^(?:0|[1-9]\d*)$/.test(version)) {
        throw new SettingsError(`${version} is not a version: see \`people versions\`.`);
      }
      const next = await client.rollback(Number(version));
      yield `The gallery is that of version ${version} again, as version ${next}.`;
    },
  },
} satisfies Record<string, Action>;
export type ActionName = keyof typeof actions;

/** @throws {SettingsError} when the arguments are not those that the action takes */
export function requireArguments(name: ActionName, args: readonly string[]): void {
  const { takes, least, most } = actions[name];
  if (args.length >= least && args.length <= most) return;
  throw new SettingsError(`Use: people ${name}${takes === '' ? '' : ` ${takes}`}`);
}

/** @throws {PeopleClientError} when nobody has this name */
async function idOf(client: PeopleClient, who = ''): Promise<string> {
  if (UUID.test(who)) return who;
  const name = who.normalize('NFC');
  for await (const person of client.list(name)) if (person.name === name) return person.id;
  throw new PeopleClientError(`Nobody in the gallery is called ${who}: see \`people list\`.`);
}

const faceCount = (count: number): string => (count === 1 ? '1 face' : `${count} faces`);

async function* enrol(
  client: PeopleClient,
  name: string,
  photos: readonly string[],
  options: AddOptions,
): Lines {
  let { add } = options;
  let person: Person | undefined;
  let gallery = 0;
  for (let at = 0; at < photos.length; at += PHOTOS_TOGETHER) {
    const some = photos.slice(at, at + PHOTOS_TOGETHER);
    const enrolled: Enrolment = await client.add(name, some, { ...options, add });
    for (const { message } of enrolled.doubts) yield `Please look again: ${message}`;
    ({ person, gallery } = enrolled);
    add = true;
  }
  if (person === undefined) return;
  yield `${person.id}\t${person.name}\t${faceCount(person.faces.length)}, gallery version ${gallery}`;
}

/** One folder a person, as `npm run convert -- --gallery` takes them; one that fails does not end the others. */
async function* importFolder(client: PeopleClient, folder: string, options: AddOptions): Lines {
  const failed: string[] = [];
  let people = 0;
  for (const person of await galleryEntries(folder)) {
    if (person.kind !== 'folder') continue;
    const entries = await galleryEntries(person.path);
    const photos = entries.filter(({ kind }) => kind === 'photo').map(({ path }) => path);
    const name = person.name.normalize('NFC');
    if (photos.length === 0) {
      failed.push(`${person.path}: no photo in it`);
      continue;
    }
    try {
      const details = await detailsIn(person.path);
      yield* enrol(client, name, photos, { ...details, ...options });
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
    throw new PeopleClientError(
      [`${people} people enrolled, ${failed.length} not:`, ...failed].join('\n'),
    );
  }
}
