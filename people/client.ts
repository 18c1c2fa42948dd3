/** The people API of any deployment, as calls. Answers are checked by the schemas that the web tier answers with. */
import { openAsBlob } from 'node:fs';
import { access } from 'node:fs/promises';
import { basename } from 'node:path';
import { z } from 'zod';
import { errorClass, messageOf, SettingsError } from '../runtime/errors.ts';
import {
  changedSchema,
  type Enrolment,
  enrolmentSchema,
  galleryStateSchema,
  galleryVersionsSchema,
  type PeoplePage,
  type Person,
  peoplePageSchema,
  personSchema,
  type Receipt,
  receiptSchema,
} from './api.ts';

/** The service refused a request or cannot be reached. */
export class PeopleClientError extends errorClass('people-client') {}

/** People of one page. */
const PAGE = 1000;

const problemSchema = z.object({ detail: z.string() });
const importedSchema = z.object({ people: z.int(), faces: z.int(), gallery: z.int() });

export interface PeopleClient {
  /**
   * @param q part of the name
   * @throws {PeopleClientError} while no worker has published the people of the model
   */
  list(q?: string): AsyncGenerator<PeoplePage['people'][number]>;
  get(id: string): Promise<Person>;
  /** @param photos paths of image files */
  add(name: string, photos: readonly string[], options: AddOptions): Promise<Enrolment>;
  rename(id: string, name: string): Promise<number>;
  merge(into: string, from: string): Promise<number>;
  removeFace(person: string, face: string): Promise<number>;
  forget(id: string, answers: boolean): Promise<Receipt>;
  receipt(id: string): Promise<Receipt>;
  versions(): Promise<z.output<typeof galleryVersionsSchema>['versions']>;
  /** @returns the new version, which has the old one's people */
  rollback(version: number): Promise<number>;
  /** The gallery as JSON Lines. */
  export(): Promise<ReadableStream<Uint8Array>>;
  import(lines: Blob): Promise<z.output<typeof importedSchema>>;
}

export interface AddOptions {
  /** Add to the person who has this name already. */
  readonly add: boolean;
  readonly acceptLowQuality: boolean;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  readonly consent?: string | undefined;
  readonly expires?: string | undefined;
}

/**
 * @param url of the web tier
 * @param key one of its API_KEYS, where it has any
 */
export function peopleClient(url: string, key?: string): PeopleClient {
  const call = async (
    method: string,
    path: string,
    body?: string | Blob | FormData,
  ): Promise<Response> => {
    const isJson = typeof body === 'string';
    let response: Response;
    try {
      response = await fetch(new URL(path, url), {
        method,
        headers: {
          Accept: 'application/json',
          ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
          ...(isJson ? { 'Content-Type': 'application/json' } : {}),
          ...(body instanceof Blob ? { 'Content-Type': 'application/jsonl' } : {}),
        },
        ...(body === undefined ? {} : { body }),
      });
    } catch (cause) {
      const reason =
        cause instanceof Error && cause.cause ? messageOf(cause.cause) : messageOf(cause);
      throw new PeopleClientError(`Cannot reach ${url} (${reason}): is it running? See --url.`, {
        cause,
      });
    }
    if (response.ok) return response;
    const text = await response.text();
    throw new PeopleClientError(
      detailOf(text) ?? `${method} ${path} was answered ${response.status}.`,
    );
  };
  const ask = async <T>(schema: z.ZodType<T>, ...request: Parameters<typeof call>): Promise<T> => {
    const response = await call(...request);
    const parsed = schema.safeParse(await response.json().catch(() => undefined));
    if (parsed.success) return parsed.data;
    throw new PeopleClientError(
      `${url} answered ${request[1]} with something else than this version expects: is it the web tier, and of the same version?`,
      { cause: parsed.error },
    );
  };
  const person = (id: string): string => `/v1/people/${encodeURIComponent(id)}`;
  return {
    async *list(q) {
      let after: string | undefined;
      do {
        const query = new URLSearchParams({ limit: String(PAGE) });
        if (q !== undefined) query.set('q', q);
        if (after !== undefined) query.set('after', after);
        const page = await ask(peoplePageSchema, 'GET', `/v1/people?${query}`);
        // Otherwise it would look as if somebody of the model were not stored.
        if (page.note !== undefined) throw new PeopleClientError(page.note);
        yield* page.people;
        after = page.next;
      } while (after !== undefined);
    },
    get: (id) => ask(personSchema, 'GET', person(id)),
    async add(name, photos, { add, acceptLowQuality, metadata, consent, expires }) {
      const form = new FormData();
      form.set('name', name);
      if (add) form.set('add', 'true');
      if (acceptLowQuality) form.set('accept', 'low-quality');
      if (metadata !== undefined) form.set('metadata', JSON.stringify(metadata));
      if (consent !== undefined) form.set('consent', consent);
      if (expires !== undefined) form.set('expires', expires);
      for (const path of photos) {
        const photo = await access(path)
          .then(() => openAsBlob(path))
          .catch((cause: unknown) => {
            throw new SettingsError(`Cannot read ${path}: ${messageOf(cause)}`, { cause });
          });
        form.append('inputFile', photo, basename(path));
      }
      return ask(enrolmentSchema, 'POST', '/v1/people', form);
    },
    async rename(id, name) {
      const { gallery } = await ask(changedSchema, 'PATCH', person(id), JSON.stringify({ name }));
      return gallery;
    },
    async merge(into, from) {
      const body = JSON.stringify({ from });
      return (await ask(changedSchema, 'POST', `${person(into)}/merge`, body)).gallery;
    },
    async removeFace(id, face) {
      const path = `${person(id)}/faces/${encodeURIComponent(face)}`;
      return (await ask(changedSchema, 'DELETE', path)).gallery;
    },
    forget: (id, answers) =>
      ask(receiptSchema, 'DELETE', `${person(id)}${answers ? '?answers=true' : ''}`),
    receipt: (id) => ask(receiptSchema, 'GET', `/v1/receipts/${encodeURIComponent(id)}`),
    async versions() {
      return (await ask(galleryVersionsSchema, 'GET', '/v1/gallery/versions')).versions;
    },
    async rollback(version) {
      const body = JSON.stringify({ version });
      return (await ask(galleryStateSchema, 'POST', '/v1/gallery/rollback', body)).version;
    },
    async export() {
      const { body } = await call('GET', '/v1/people/export');
      if (body === null) throw new PeopleClientError(`${url} sent an empty export.`);
      return body;
    },
    import: (lines) => ask(importedSchema, 'POST', '/v1/people/import', lines),
  };
}

/** The sentence of a problem document. */
function detailOf(text: string): string | undefined {
  try {
    return problemSchema.parse(JSON.parse(text)).detail;
  } catch {
    return undefined;
  }
}
