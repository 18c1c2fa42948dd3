/** What `npm run people` does: each action on people that are named by id or by their whole name. */
import { openAsBlob } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { readSettingsOfStack } from '../../cloud/aws/stack-settings.ts';
import { type AddOptions, type PeopleClient, PeopleClientError } from '../../people/client.ts';
import { isPersonId } from '../../people/records.ts';
import { messageOf, SettingsError } from '../../runtime/errors.ts';
import { enrolPhotos, importFolder } from './enrol-photos.ts';
import { exchangeOfEmbeddings, isExport } from './import-embeddings.ts';
import { saveKeptPhotos } from './kept-photos.ts';
import { cannotMake, countOf } from './words.ts';

export interface ActionFlags extends AddOptions {
  /** Also delete results that name a forgotten person. */
  readonly answers: boolean;
}

/** Options of the command that only some actions take; undefined or false where not given. */
export interface GivenOptions {
  readonly add?: boolean | undefined;
  readonly accept?: string | undefined;
  readonly consent?: string | undefined;
  readonly expires?: string | undefined;
  readonly answers?: boolean | undefined;
}

const ENROL_OPTIONS = ['add', 'accept', 'consent', 'expires'] as const;

type Lines = AsyncGenerator<string>;

interface Action {
  /** How its arguments are called in errors and in the help. */
  readonly takes: string;
  readonly least: number;
  readonly most: number;
  /** The options that it takes, beside the address. */
  readonly options?: readonly (keyof GivenOptions)[];
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
        yield `${id}\t${name}\t${countOf(faces, 'face')}${until}`;
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
    options: ENROL_OPTIONS,
    async *run(client, [name = '', ...photos], flags) {
      yield* enrolPhotos(client, name, photos, flags);
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
    options: ['answers'],
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
    options: ENROL_OPTIONS,
    async *run(client, [path = ''], flags) {
      const found = await stat(path).catch((cause: unknown) => {
        throw new SettingsError(`Cannot read ${path}: ${messageOf(cause)}.`, { cause });
      });
      if (found.isDirectory()) return yield* importFolder(client, path, flags);
      refuseWithFile(path, flags);
      const { people, faces, gallery } = await client.import(
        (await isExport(path)) ? await openAsBlob(path) : await exchangeOfEmbeddings(path),
      );
      const all = `${countOf(people, 'person', 'people')} with ${countOf(faces, 'face')}`;
      yield `Imported ${all}, gallery version ${gallery}.`;
    },
  },
  export: {
    takes: 'FILE',
    least: 1,
    most: 1,
    async *run(client, [path = '']) {
      await writeNew(path, await client.export());
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
        yield `${version}\t${at}\t${countOf(faces, 'face')}\t${change}`;
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
      yield `The gallery has the people of version ${version} again. This is version ${next}.`;
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

/** @throws {SettingsError} when an option is given that the action does not take, or would leave unread */
export function requireOptions(name: ActionName, given: GivenOptions): void {
  const { options = [] }: Action = actions[name];
  const wrong = namesOf(given).find((option) => !options.includes(option));
  if (wrong === undefined) return;
  const all: [string, Action][] = Object.entries(actions);
  const takers = all.filter(([, { options: of }]) => of?.includes(wrong)).map(([taker]) => taker);
  const only = takers.length === 1 ? 'takes' : 'take';
  throw new SettingsError(
    `people ${name} does not take --${wrong}: only ${takers.join(' and ')} ${only} it.`,
  );
}

function namesOf(given: GivenOptions): (keyof GivenOptions)[] {
  const names = [...ENROL_OPTIONS, 'answers'] as const;
  return names.filter((name) => given[name] !== undefined && given[name] !== false);
}

function refuseWithFile(path: string, flags: ActionFlags): void {
  const accept = flags.acceptLowQuality ? 'low-quality' : undefined;
  const [wrong] = namesOf({ ...flags, accept, answers: false });
  if (wrong === undefined) return;
  throw new SettingsError(
    `${path} is a file, and --${wrong} is only for photos: leave it out, or name a folder of photos.`,
  );
}

/** A file that is there is never overwritten, and half a gallery is not left behind. */
async function writeNew(path: string, bytes: ReadableStream<Uint8Array>): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch(async (cause: unknown) => {
    await bytes.cancel();
    throw cannotMake(`write ${path}`, cause);
  });
  try {
    await file.writeFile(bytes);
  } catch (cause) {
    await rm(path, { force: true });
    throw cannotMake(`write ${path}`, cause);
  } finally {
    await file.close();
  }
}

/** @throws {PeopleClientError} when nobody has this name */
async function idOf(client: PeopleClient, who = ''): Promise<string> {
  if (isPersonId(who)) return who;
  const name = who.normalize('NFC');
  for await (const person of client.list(name)) if (person.name === name) return person.id;
  throw new PeopleClientError(`Nobody in the gallery is called ${who}: see \`people list\`.`);
}
