/** S3 over HTTP: the only door of this room. One request in, its answer or its error out. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { Logger } from '../../runtime/log.ts';
import { S3Error } from './errors.ts';
import { operationOf } from './operations.ts';
import {
  ACCOUNT,
  type Address,
  addressOf,
  checkPresigned,
  header,
  headersOf,
  type S3Answer,
  type S3Request,
} from './request.ts';
import type { Buckets } from './store.ts';
import { errorXml } from './xml.ts';

/** S3 takes 5 GiB in one put; this is above the largest photo that the settings allow. */
const MOST_BODY_BYTES = 600 * 1024 * 1024;
/** Reading an object of this size or more stops everything else for a noticeable time. */
const LARGE_BYTES = 4 * 1024 * 1024;

export interface S3Service {
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

export function openS3(options: {
  buckets: Buckets;
  region: string;
  log: Logger;
  /** Takes a form that a browser sends, whose body is not read yet. */
  takeForm: (request: IncomingMessage, response: ServerResponse, bucket: string) => void;
}): S3Service {
  const largeReads = pLimit(1);
  return {
    async answer(request, response) {
      const id = randomUUID().replaceAll('-', '').slice(0, 16).toUpperCase();
      const method = request.method ?? 'GET';
      try {
        if (isForm(request)) {
          const { bucket } = address(request, Buffer.alloc(0));
          options.buckets.objects(bucket);
          options.takeForm(request, response, bucket);
          return;
        }
        const answer = await perform(request, response);
        if (answer !== undefined) send(response, id, method, answer);
      } catch (error) {
        if (!(error instanceof S3Error)) options.log.error({ err: error }, 'S3 request failed');
        if (response.headersSent || response.destroyed) return void response.destroy();
        send(response, id, method, errorAnswer(error, request, id));
      }
    },
  };

  /** @returns undefined when nobody waits for the answer any more */
  async function perform(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<S3Answer | undefined> {
    const body = await readBody(request);
    const { method = 'GET', url = '/' } = request;
    const target = address(request, body);
    const query = new URLSearchParams(url.split('?', 2)[1] ?? '');
    const headers = headersOf(request.headers, query);
    const { buckets, region } = options;
    const given: S3Request = { method, ...target, query, headers, body, buckets, region };
    checkPresigned(query, Date.now());
    for (const name of ['x-amz-expected-bucket-owner', 'x-amz-source-expected-bucket-owner']) {
      const owner = header(given, name);
      if (owner !== undefined && owner !== ACCOUNT) {
        throw new S3Error('AccessDenied', 403, 'Access Denied');
      }
    }
    if (method === 'OPTIONS') {
      throw new S3Error(
        'AccessForbidden',
        403,
        'CORSResponse: CORS is not enabled for this bucket.',
      );
    }
    const operation = operationOf(method, target, query);
    if (method !== 'GET' || !isLarge(target)) return operation(given);
    return largeReads(async () => {
      // Between two of them all other connections move on, and clients that have left are seen.
      await turn();
      return response.destroyed ? undefined : operation(given);
    });
  }

  function isLarge({ bucket, key }: Address): boolean {
    const object = options.buckets.store.buckets.get(bucket)?.get(key);
    return object !== undefined && object.contentLength >= LARGE_BYTES;
  }

  function address(request: IncomingMessage, body: Buffer): Address {
    const isUpload = body.length > 0 && !body.includes('CreateBucketConfiguration');
    return addressOf(request.url ?? '/', request.headers.host ?? '', isUpload, (name) =>
      options.buckets.has(name),
    );
  }
}

function isForm({ method, headers }: IncomingMessage): boolean {
  return method === 'POST' && /^multipart\/form-data\b/i.test(headers['content-type'] ?? '');
}

/** @throws {S3Error} EntityTooLarge */
async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // What follows is read and dropped, so that the client hears the answer.
    if (bytes <= MOST_BODY_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (bytes <= MOST_BODY_BYTES) return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  throw new S3Error(
    'EntityTooLarge',
    400,
    'Your proposed upload exceeds the maximum allowed object size',
    { details: { MaxSizeAllowed: String(MOST_BODY_BYTES), ProposedSize: String(bytes) } },
  );
}

function errorAnswer(error: unknown, request: IncomingMessage, RequestId: string): S3Answer {
  const known =
    error instanceof S3Error
      ? error
      : new S3Error('InternalError', 500, 'We encountered an internal error. Please try again.');
  return {
    status: known.status,
    headers: { 'content-type': 'application/xml', ...known.headers },
    body: errorXml({
      Code: known.s3Code,
      Message: known.message,
      ...known.details,
      Resource: (request.url ?? '/').split('?', 1)[0],
      RequestId,
      HostId: 'local',
    }),
  };
}

/** No answer to HEAD has a body, and neither have 204 and 304. */
function send(response: ServerResponse, id: string, method: string, answer: S3Answer): void {
  const { status, headers = {}, body = '' } = answer;
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const isBodiless = method === 'HEAD' || status === 204 || status === 304;
  const length = isBodiless ? {} : { 'content-length': String(bytes.length) };
  const ids = { 'x-amz-request-id': id, 'x-amz-id-2': 'local' };
  response.writeHead(status, { ...ids, ...length, ...headers });
  response.end(isBodiless ? undefined : bytes);
}
