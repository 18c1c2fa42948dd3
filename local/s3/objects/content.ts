/** The bytes of an upload: taken out of AWS's chunks, and checked against every digest sent with them. */
import { createHash } from 'node:crypto';
import { invalidRequest, S3Error } from '../errors.ts';
import { header, type S3Request } from '../request.ts';
import {
  ALGORITHMS,
  type Algorithm,
  type Checksum,
  checksumOf,
  headerOf,
  isWellFormed,
} from './checksums.ts';

export interface Content {
  readonly bytes: Buffer;
  /** The checksum that the client sent; it is right. */
  readonly checksum: Checksum | undefined;
}

/** @throws {S3Error} BadDigest and its like when bytes and digests differ */
export async function contentOf(request: S3Request): Promise<Content> {
  const { bytes, trailers } = isChunked(request)
    ? unchunked(request.body)
    : { bytes: request.body, trailers: new Map<string, string>() };
  checkLength(request, bytes);
  checkMd5(header(request, 'content-md5'), bytes);
  checkSignedHash(header(request, 'x-amz-content-sha256'), bytes);
  const checksum = sentChecksum(request, trailers);
  if (checksum !== undefined) await check(checksum, bytes);
  return { bytes, checksum };
}

/** The Content-Encoding that is stored: without the one that belongs to the transfer. */
export function storedEncoding(request: S3Request): string | undefined {
  const codings = (header(request, 'content-encoding') ?? '').split(',').map((one) => one.trim());
  return codings.filter((one) => one !== '' && one !== 'aws-chunked').join(',') || undefined;
}

function isChunked(request: S3Request): boolean {
  return (
    /(?:^|,)\s*aws-chunked\s*(?:,|$)/.test(header(request, 'content-encoding') ?? '') ||
    (header(request, 'x-amz-content-sha256') ?? '').startsWith('STREAMING-')
  );
}

/** `<size in hex>[;chunk-signature=…]CRLF<bytes>CRLF`, a chunk of size 0, trailers as header lines. */
function unchunked(body: Buffer): { bytes: Buffer; trailers: Map<string, string> } {
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = body.indexOf('\r\n', at);
    const size = /^([0-9a-f]{1,8})(?:;|$)/i.exec(
      body.subarray(at, Math.max(lineEnd, at)).toString('latin1'),
    );
    if (lineEnd < 0 || size === null) throw incomplete();
    const length = Number.parseInt(size[1]!, 16);
    at = lineEnd + 2;
    if (length === 0) break;
    if (at + length > body.length) throw incomplete();
    chunks.push(body.subarray(at, at + length));
    at += length + 2;
  }
  const trailers = new Map<string, string>();
  for (const line of body.subarray(at).toString('latin1').split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon > 0) {
      trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
    }
  }
  return { bytes: Buffer.concat(chunks), trailers };
}

function checkLength(request: S3Request, bytes: Buffer): void {
  const length = header(request, 'x-amz-decoded-content-length');
  if (isChunked(request) && length !== undefined && Number(length) !== bytes.length) {
    throw incomplete();
  }
}

function incomplete(): S3Error {
  return new S3Error(
    'IncompleteBody',
    400,
    'You did not provide the number of bytes specified by the Content-Length HTTP header.',
  );
}

function checkMd5(expected: string | undefined, bytes: Buffer): void {
  if (expected === undefined) return;
  const digest = Buffer.from(expected, 'base64');
  if (digest.length !== 16 || digest.toString('base64') !== expected.trim()) {
    throw new S3Error('InvalidDigest', 400, 'The Content-MD5 you specified was invalid.', {
      details: { 'Content-MD5': expected.slice(0, 200) },
    });
  }
  if (createHash('md5').update(bytes).digest().equals(digest)) return;
  throw new S3Error(
    'BadDigest',
    400,
    'The Content-MD5 you specified did not match what we received.',
    { details: { ExpectedDigest: expected } },
  );
}

function checkSignedHash(expected: string | undefined, bytes: Buffer): void {
  if (expected === undefined || !/^[0-9a-f]{64}$/i.test(expected)) return;
  const computed = createHash('sha256').update(bytes).digest('hex');
  if (computed === expected.toLowerCase()) return;
  throw new S3Error(
    'XAmzContentSHA256Mismatch',
    400,
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
    { details: { ClientComputedContentSHA256: expected, S3ComputedContentSHA256: computed } },
  );
}

/** @throws {S3Error} InvalidRequest for several, or for one that no algorithm gives */
function sentChecksum(
  request: S3Request,
  trailers: ReadonlyMap<string, string>,
): Checksum | undefined {
  const sent = ALGORITHMS.flatMap((algorithm): Checksum[] => {
    const name = headerOf(algorithm);
    const value = trailers.get(name) ?? header(request, name);
    return value === undefined ? [] : [{ algorithm, value }];
  });
  if (sent.length > 1) {
    throw invalidRequest(
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    );
  }
  const [checksum] = sent;
  if (checksum !== undefined && !isWellFormed(checksum)) {
    throw invalidRequest(`Value for ${headerOf(checksum.algorithm)} header is invalid.`);
  }
  return checksum;
}

async function check({ algorithm, value }: Checksum, bytes: Buffer): Promise<void> {
  if ((await checksumOf(algorithm, bytes)) !== value) throw badChecksum(algorithm);
}

export function badChecksum(algorithm: Algorithm): S3Error {
  return new S3Error(
    'BadDigest',
    400,
    `The ${algorithm} you specified did not match the calculated checksum.`,
  );
}
