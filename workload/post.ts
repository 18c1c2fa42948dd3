/**
 * One upload over HTTP, streamed from its file. Written on node:http since fetch gives up after five
 * minutes without an answer, and a request may well wait for a fleet to boot.
 */
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { messageOf } from '../runtime/errors.ts';
import { WorkloadError } from './errors.ts';
import type { ImageFile } from './photos.ts';

/** The form field that the web tier reads, part of the contract. */
const FIELD = 'inputFile';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface Poster {
  /** Rejects when the connection broke, the file could not be read, or `signal` was aborted. */
  post(image: ImageFile, signal: AbortSignal): Promise<Answer>;
  close(): void;
}

/** Posts to one address over at most `connections` connections, which are kept open between requests. */
export function createPoster(url: URL, connections: number): Poster {
  const secure = url.protocol === 'https:';
  const options = { keepAlive: true, maxSockets: connections, scheduling: 'lifo' } as const;
  const agent = secure ? new HttpsAgent(options) : new HttpAgent(options);
  const request = secure ? httpsRequest : httpRequest;

  return {
    close: () => agent.destroy(),
    async post(image, signal) {
      const { size } = await stat(image.path);
      const { head, tail, contentType } = multipart(image.name);
      const outgoing = request(url, {
        method: 'POST',
        agent,
        signal,
        headers: {
          'content-type': contentType,
          'content-length': head.length + size + tail.length,
        },
      });
      const answered = new Promise<IncomingMessage>((resolve, reject) => {
        outgoing.once('response', resolve);
        // Stays on: a server that refuses early may break the upload after its answer has come.
        outgoing.on('error', reject);
      });
      const upload = Readable.from(parts(head, image.path, tail));
      upload.once('error', (error) => outgoing.destroy(error));
      upload.pipe(outgoing);
      try {
        const response = await answered;
        return { status: response.statusCode ?? 0, body: await text(response) };
      } finally {
        upload.destroy();
        // A connection in the middle of an upload cannot carry another request.
        if (!outgoing.writableFinished) outgoing.destroy();
      }
    },
  };
}

/** Opens and closes one connection, so that a wrong address is reported before a run begins. */
export async function requireReachable(url: URL): Promise<void> {
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({ host, port, timeout: 10_000 });
  socket.once('connect', resolve);
  socket.once('timeout', () => reject(new Error('no answer within 10 seconds')));
  socket.once('error', reject);
  try {
    await promise;
  } catch (cause) {
    throw new WorkloadError(
      `--url ${url.href} cannot be reached (${connectionError(cause)}): start the web tier or correct the address.`,
      { cause },
    );
  } finally {
    socket.destroy();
  }
}

/** The text of a connection error; Node hides it in a list when it tried several addresses. */
export function connectionError(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return messageOf(error);
}

async function* parts(head: Buffer, path: string, tail: Buffer): AsyncGenerator<Buffer> {
  yield head;
  yield* createReadStream(path);
  yield tail;
}

/** The parts around the file's bytes, with the name escaped as browsers do (WHATWG HTML, 4.10.21.8). */
function multipart(fileName: string): { head: Buffer; tail: Buffer; contentType: string } {
  const boundary = `----elastic-face-${randomBytes(16).toString('hex')}`;
  const name = fileName.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="${FIELD}"; filename="${name}"\r\ncontent-type: application/octet-stream\r\n\r\n`;
  return {
    head: Buffer.from(head),
    tail: Buffer.from(`\r\n--${boundary}--\r\n`),
    contentType: `multipart/form-data; boundary=${boundary}`,
  };
}
