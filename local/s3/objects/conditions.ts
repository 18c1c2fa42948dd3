/** S3's conditional requests (RFC 9110, section 13, with S3's own rules for writes). Pure. */
import { noSuchKey, notImplemented, preconditionFailed } from '../errors.ts';
import { header, type S3Request } from '../request.ts';

interface State {
  readonly etag: string;
  readonly lastModified: Date;
}

interface Conditions {
  readonly match: string | undefined;
  readonly noneMatch: string | undefined;
  readonly modifiedSince: string | undefined;
  readonly unmodifiedSince: string | undefined;
}

/**
 * Of a read.
 * @returns true when the client's copy is still current, which is answered 304
 * @throws {S3Error} PreconditionFailed
 */
export function isNotModified(request: S3Request, object: State): boolean {
  const conditions = conditionsOf(request, '');
  checkRequired(conditions, object, '');
  return isUnchanged(conditions, object);
}

/** Of a copy's source. @throws {S3Error} PreconditionFailed */
export function checkSource(request: S3Request, source: State): void {
  const prefix = 'x-amz-copy-source-';
  const conditions = conditionsOf(request, prefix);
  checkRequired(conditions, source, prefix);
  if (isUnchanged(conditions, source)) {
    const name = conditions.noneMatch === undefined ? 'if-modified-since' : 'if-none-match';
    throw preconditionFailed(`${prefix}${name}`);
  }
}

/**
 * Of a write onto a key, looked at in the moment of writing.
 * @param existing what is there now
 * @throws {S3Error} PreconditionFailed; NoSuchKey when If-Match finds nothing
 */
export function checkWrite(request: S3Request, existing: State | undefined): void {
  const noneMatch = header(request, 'if-none-match');
  const match = header(request, 'if-match');
  if (noneMatch !== undefined) {
    if (noneMatch.trim() !== '*') throw notImplemented('If-None-Match with an ETag on a write');
    if (existing !== undefined) throw preconditionFailed('If-None-Match');
  }
  if (match !== undefined) {
    if (existing === undefined) throw noSuchKey(request.key);
    if (!isListed(match, existing.etag)) throw preconditionFailed('If-Match');
  }
}

/** Of a deletion; what is not there is deleted already. @throws {S3Error} PreconditionFailed */
export function checkDelete(match: string | undefined, existing: State | undefined): void {
  if (match === undefined || existing === undefined) return;
  if (!isListed(match, existing.etag)) throw preconditionFailed('If-Match');
}

/** Whether a Range counts: If-Range names the object as it is. */
export function isRangeCurrent(request: S3Request, { etag, lastModified }: State): boolean {
  const condition = header(request, 'if-range');
  if (condition === undefined) return true;
  if (/^(?:W\/)?"/.test(condition)) return condition === etag;
  return timeOf(condition) === seconds(lastModified);
}

function conditionsOf(request: S3Request, prefix: string): Conditions {
  return {
    match: header(request, `${prefix}if-match`),
    noneMatch: header(request, `${prefix}if-none-match`),
    modifiedSince: header(request, `${prefix}if-modified-since`),
    unmodifiedSince: header(request, `${prefix}if-unmodified-since`),
  };
}

function checkRequired(
  { match, unmodifiedSince }: Conditions,
  { etag, lastModified }: State,
  prefix: string,
): void {
  if (match !== undefined) {
    if (!isListed(match, etag)) throw preconditionFailed(`${prefix}if-match`);
    return;
  }
  const since = timeOf(unmodifiedSince);
  if (since !== undefined && seconds(lastModified) > since) {
    throw preconditionFailed(`${prefix}if-unmodified-since`);
  }
}

function isUnchanged(
  { noneMatch, modifiedSince }: Conditions,
  { etag, lastModified }: State,
): boolean {
  if (noneMatch !== undefined) return isListed(noneMatch, etag);
  const since = timeOf(modifiedSince);
  return since !== undefined && seconds(lastModified) <= since;
}

/** Whether a condition's list of ETags, in quotes or without, names this one. */
function isListed(list: string, etag: string): boolean {
  const plain = (text: string): string => text.trim().replace(/^W\//, '').replaceAll('"', '');
  return list.split(',').some((one) => plain(one) === '*' || plain(one) === plain(etag));
}

/** Undefined for what is no date, and then the condition does not count. */
function timeOf(text: string | undefined): number | undefined {
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000);
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}
