/** People as answers show them. */
import type { PeoplePage, Person } from '../../../people/api.ts';
import type { FaceMeta, GalleryIndex, PersonRecord } from '../../../people/records.ts';
import { NOT_PUBLISHED } from '../errors.ts';
import { isExpired, isUnpublished } from './gallery.ts';

export function faceView({
  id,
  quality,
  enrolled,
  photoDigest,
}: FaceMeta): Person['faces'][number] {
  return { id, quality, enrolled, photoDigest };
}

function detailsView({ id, name, metadata, consent, expires, enrolled }: PersonRecord) {
  return { id, name, metadata, consent, expires, enrolled };
}

export function personView(index: GalleryIndex, record: PersonRecord): Person {
  return { ...detailsView(record), faces: index.facesOf(record.id).map(faceView) };
}

interface Listed {
  readonly record: PersonRecord;
  /** For search: without case and marks. */
  readonly folded: string;
}

/** Made once for each version: sorting a million names takes seconds. */
const sorted = new WeakMap<GalleryIndex, readonly Listed[]>();

function listOf(index: GalleryIndex): readonly Listed[] {
  const made =
    sorted.get(index) ??
    [...index.people.values()]
      .map((record) => ({ record, folded: foldName(record.name) }))
      .sort((a, b) => compare(a, b));
  sorted.set(index, made);
  return made;
}

/** `José` and `JOSE` are both `jose`. */
export function foldName(name: string): string {
  return name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

function compare(a: Listed, b: Listed): number {
  if (a.folded !== b.folded) return a.folded < b.folded ? -1 : 1;
  return a.record.name < b.record.name ? -1 : Number(a.record.name > b.record.name);
}

export interface PageOptions {
  readonly after?: string | undefined;
  readonly limit: number;
  readonly q?: string | undefined;
}

/** A page by name; `after` is the name that the page before ended with, in base64url. */
export function pageOf(index: GalleryIndex, { after, limit, q }: PageOptions): PeoplePage {
  const now = Date.now();
  const wanted = q === undefined ? undefined : foldName(q);
  const found = listOf(index).filter(
    ({ record, folded }) =>
      !isExpired(record, now) && (wanted === undefined || folded.includes(wanted)),
  );
  const start = after === undefined ? 0 : firstAfter(found, nameAfter(after));
  const page = found.slice(start, start + limit);
  const last = page.at(-1);
  const isMore = last !== undefined && start + page.length < found.length;
  return {
    people: page.map(({ record }) => ({
      ...detailsView(record),
      faces: index.facesOf(record.id).length,
    })),
    ...(isMore ? { next: Buffer.from(last.record.name).toString('base64url') } : {}),
    total: found.length,
    gallery: index.version,
    ...(isUnpublished(index) ? { note: NOT_PUBLISHED } : {}),
  };
}

function nameAfter(after: string): string {
  return Buffer.from(after, 'base64url').toString();
}

function firstAfter(list: readonly Listed[], name: string): number {
  const last = { record: { name } as PersonRecord, folded: foldName(name) };
  const at = list.findIndex((listed) => compare(listed, last) > 0);
  return at === -1 ? list.length : at;
}
