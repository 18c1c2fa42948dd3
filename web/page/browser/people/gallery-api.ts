/** Calls of the people API. The shapes are those of people/api.ts, which needs a server's modules. */
import { nameToSend, PostError, read, UnreachableError } from '../api.ts';
import { askForKey, keyHeaders } from '../key.ts';

interface Details {
  readonly id: string;
  readonly name: string;
  /** Free data, at most 1 kB of JSON. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly consent?: string;
  /** ISO 8601. */
  readonly expires?: string;
}

/** A person of a list, with the number of faces. */
export interface ListedPerson extends Details {
  readonly faces: number;
}

export interface PeoplePage {
  readonly people: readonly ListedPerson[];
  readonly next?: string;
  readonly total: number;
  readonly gallery: number;
}

export interface Enrolment {
  readonly person: Details & { readonly faces: readonly { readonly id: string }[] };
  readonly added: readonly { readonly id: string }[];
  readonly doubts: readonly { readonly message: string; readonly odds?: number }[];
  readonly gallery: number;
}

export interface Receipt {
  readonly id: string;
  readonly status: 'pending' | 'done';
  readonly removed: readonly { readonly what: string; readonly count: number }[];
  readonly unreachable: readonly { readonly what: string; readonly why: string }[];
}

export interface GalleryState {
  readonly version: number;
  readonly people: number;
  readonly faces: number;
}

export interface GalleryVersion {
  readonly version: number;
  /** ISO 8601. */
  readonly at: string;
  readonly change: string;
  readonly faces: number;
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/**
 * Asks for the key where one is needed, then repeats the call.
 * @param path relative, since the service may be under a path of a proxy
 * @throws {PostError} with a sentence for the reader
 */
export async function call<T>(method: Method, path: string, body?: object): Promise<T> {
  for (;;) {
    const response = await send(method, path, body);
    if (response.status !== 401) return (await read(response)) as T; // By the schemas of the server.
    await askForKey();
  }
}

function send(method: Method, path: string, body: object | undefined): Promise<Response> {
  const isForm = body instanceof FormData;
  const headers = {
    Accept: 'application/json',
    ...keyHeaders(),
    ...(body !== undefined && !isForm && { 'Content-Type': 'application/json' }),
  };
  const sent = body === undefined || isForm ? (body ?? null) : JSON.stringify(body);
  return fetch(path, { method, headers, body: sent, cache: 'no-store' }).catch((cause) => {
    throw new UnreachableError('The server cannot be reached.', { mayPass: true, cause });
  });
}

export function formOf(
  photos: readonly File[],
  fields: Readonly<Record<string, string | undefined>>,
): FormData {
  const form = new FormData();
  for (const photo of photos) form.append('inputFile', photo, nameToSend(photo.name));
  for (const [name, value] of Object.entries(fields)) if (value) form.append(name, value);
  return form;
}

export function listPeople(
  options: { readonly q?: string; readonly after?: string | undefined },
  limit: number,
): Promise<PeoplePage> {
  const query = new URLSearchParams({ limit: String(limit) });
  if (options.q) query.set('q', options.q);
  if (options.after) query.set('after', options.after);
  return call('GET', `v1/people?${query}`);
}

/** @returns undefined if nobody has this name */
export async function personNamed(name: string): Promise<ListedPerson | undefined> {
  const wanted = name.trim().normalize('NFC');
  let after: string | undefined;
  do {
    const page = await listPeople({ q: wanted, after }, 1000);
    const found = page.people.find((person) => person.name === wanted);
    if (found) return found;
    after = page.next;
  } while (after !== undefined);
  return undefined;
}

/** Takes back what an enrolment added; the person too, where it has no other face. */
export async function undo({ person, added }: Enrolment): Promise<void> {
  const path = `v1/people/${person.id}`;
  if (person.faces.length <= added.length) return call('DELETE', path);
  for (const { id } of added) await call('DELETE', `${path}/faces/${id}`);
}

export function wordsOf(error: unknown): string {
  return error instanceof PostError ? error.message : String(error);
}
