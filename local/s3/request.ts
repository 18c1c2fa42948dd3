/**
 * One S3 request as its operation sees it: which bucket and key it means, its headers and numbers, and what
 * an operation answers.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { invalidArgument, invalidRequest, S3Error } from './errors.ts';
import type { Buckets } from './store.ts';

/** The account that every emulator uses. */
export const ACCOUNT = '000000000000';

export interface S3Request {
  readonly method: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** As sent: perhaps in signed chunks. */
  readonly body: Buffer;
  readonly buckets: Buckets;
  /** Region of buckets that name none. */
  readonly region: string;
}

export interface S3Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export type Operation = (request: S3Request) => S3Answer | Promise<S3Answer>;

export function header({ headers }: Pick<S3Request, 'headers'>, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

export function xmlAnswer(body: string, headers: Readonly<Record<string, string>> = {}): S3Answer {
  return { status: 200, headers: { 'content-type': 'application/xml', ...headers }, body };
}

/**
 * A whole number of the query or of a header.
 * @throws {S3Error} InvalidArgument for other text and for a number outside `low` to `high`
 */
export function wholeNumber(
  text: string,
  { name, low, high }: { name: string; low: number; high: number },
): number {
  if (!/^[+-]?\d{1,10}$/.test(text)) {
    const message = `Provided ${name} not an integer or within integer range`;
    throw invalidArgument(message, name, text);
  }
  const value = Number(text);
  if (value < low || value > high) {
    const message = `Argument ${name} must be an integer between ${low} and ${high}`;
    throw invalidArgument(message, name, text);
  }
  return value;
}

/** Number of a part; S3 takes 1 to 10,000. */
export function partNumberOf(text: string): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > 10_000) {
    const message = 'Part number must be an integer between 1 and 10000, inclusive';
    throw invalidArgument(message, 'partNumber', text);
  }
  return value;
}

const MOST_KEY_BYTES = 1024;

/** @throws {S3Error} KeyTooLongError */
export function checkKey(key: string): void {
  const size = Buffer.byteLength(key);
  if (size <= MOST_KEY_BYTES) return;
  throw new S3Error('KeyTooLongError', 400, 'Your key is too long', {
    details: { Size: String(size), MaxSizeAllowed: String(MOST_KEY_BYTES) },
  });
}

/** Buckets here keep one version of each object, whose id is `null`. */
export function checkVersion(versionId: string | null): void {
  if (versionId === null || versionId === 'null') return;
  if (/^[\w.]{32}$/.test(versionId)) {
    throw new S3Error('NoSuchVersion', 404, 'The specified version does not exist.', {
      details: { VersionId: versionId },
    });
  }
  throw invalidArgument('Invalid version id specified', 'versionId', versionId);
}

/** Parameters of a presigned address that are its signature. */
const OF_SIGNATURE =
  /^x-amz-(?:algorithm|credential|date|expires|signedheaders|signature|security-token)$/;
/** A presigner writes that of the empty body that it has, not of the upload. */
const OF_CHECKSUM = /^x-amz-(?:checksum-|sdk-checksum-)/;

/**
 * Headers of a request with those that a presigned address has as parameters: presigners put there what
 * the client need not send, such as `x-amz-meta-*`.
 */
export function headersOf(
  headers: IncomingHttpHeaders,
  query: URLSearchParams,
): IncomingHttpHeaders {
  if (!query.has('X-Amz-Signature') && !query.has('Signature')) return headers;
  const moved = [...query]
    .map(([name, value]): [string, string] => [name.toLowerCase(), value])
    .filter(([name]) =>
      name.startsWith('x-amz-')
        ? !OF_SIGNATURE.test(name) && !OF_CHECKSUM.test(name)
        : name === 'content-type' || name === 'content-md5',
    );
  return { ...Object.fromEntries(moved), ...headers };
}

/** @throws {S3Error} for a presigned address that is over, or asks for more than S3 grants */
export function checkPresigned(query: URLSearchParams, now: number): void {
  const seconds = query.get('X-Amz-Expires');
  const signedAt = query.get('X-Amz-Date');
  if (seconds !== null && signedAt !== null) {
    const valid = Number(seconds);
    if (!(valid >= 0 && valid <= 604_800)) {
      throw new S3Error(
        'AuthorizationQueryParametersError',
        400,
        'X-Amz-Expires must be between 0 and 604800 seconds',
      );
    }
    const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(signedAt);
    if (parts === null) throw invalidRequest('X-Amz-Date must be in the form YYYYMMDDTHHMMSSZ');
    const [year, month, day, hour, minute, second] = parts.slice(1).map(Number) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const end = Date.UTC(year, month - 1, day, hour, minute, second) + valid * 1000;
    if (end < now) throw expired();
    return;
  }
  const expires = query.get('Expires');
  if (query.has('Signature') && expires !== null && Number(expires) * 1000 < now) throw expired();
}

function expired(): S3Error {
  return new S3Error('AccessDenied', 403, 'Request has expired');
}

export interface Address {
  /** Empty for the service itself. */
  readonly bucket: string;
  /** Empty for the bucket itself. */
  readonly key: string;
}

/** Names below these are buckets; any other host name is only a name of this endpoint. */
const OWN_SUFFIXES = ['localhost', 'host.docker.internal'];
/** `s3`, `s3.eu-west-1` or `s3-eu-west-1` between the bucket and the domain. */
const S3_LABEL = /^(.+?)\.s3(?:[.-][a-z0-9-]+)*(?:\.|$)/;

/**
 * @param url path and query, as sent
 * @param isUpload whether the body is an object's rather than a bucket's configuration
 * @param hasBucket tells a bucket's name from another name of this endpoint
 * @throws {S3Error} InvalidURI for a path that is not percent-encoded UTF-8
 */
export function addressOf(
  url: string,
  host: string,
  isUpload: boolean,
  hasBucket: (name: string) => boolean,
): Address {
  const path = decoded(pathOf(url));
  const byHost = bucketInHost(host);
  const inPath = splitPath(path);
  if (byHost === undefined) return inPath;
  // `cloud.localhost` may be the endpoint's own name, with the bucket in the path. An upload to a
  // missing bucket must not become a new bucket of the key's name.
  const isEndpoint = !byHost.certain && !hasBucket(byHost.name) && path !== '';
  if (isEndpoint && !(isUpload && inPath.key === '')) return inPath;
  return { bucket: byHost.name, key: path };
}

function bucketInHost(host: string): { name: string; certain: boolean } | undefined {
  const name = host.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase();
  if (!name.includes('.') || /^[\d.]+$/.test(name) || name.startsWith('[')) return undefined;
  const labelled = S3_LABEL.exec(name);
  if (labelled !== null) return { name: labelled[1]!, certain: true };
  if (/^s3[.-]/.test(name)) return undefined;
  const suffix = OWN_SUFFIXES.find((own) => name.endsWith(`.${own}`));
  return suffix === undefined
    ? undefined
    : { name: name.slice(0, -suffix.length - 1), certain: false };
}

/** Without the leading slash. Nothing is normalized: `..` and `//` belong to keys. */
function pathOf(url: string): string {
  const path = url.split('?', 1)[0]!;
  return path.replace(/^https?:\/\/[^/]*/i, '').replace(/^\//, '');
}

function splitPath(path: string): Address {
  const slash = path.indexOf('/');
  return slash < 0
    ? { bucket: path, key: '' }
    : { bucket: path.slice(0, slash), key: path.slice(slash + 1) };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new S3Error('InvalidURI', 400, "Couldn't parse the specified URI.", { cause });
  }
}
