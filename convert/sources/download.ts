/**
 * One file from its public address to its place on disk, whole and checked or not at all. Knows neither
 * what the file is for nor where it might lie already.
 */

import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import * as http from 'node:http';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ElasticFaceError, errorClass, messageOf } from '../../runtime/errors.ts';

/** Until the first byte of a file: a network that swallows packets never brings it. */
const ANSWER_MS = 10_000;
/** A file that has begun to come is slow, not unreachable, until it stays silent this long. */
const STALL_MS = 30_000;

/** The file could not be fetched, or what came is not it; nothing was put in its place. */
export class DownloadError extends errorClass('download') {}

/** Nothing was heard for too long; asking again would take as long again. */
export class SilenceError extends DownloadError {}

export interface DownloadProgress {
  /** Bytes. */
  readonly received: number;
  /** Bytes; undefined where neither the server nor the caller says. */
  readonly total: number | undefined;
  /** At the mean rate so far; undefined while that is not known. */
  readonly secondsLeft: number | undefined;
}

export interface DownloadRequest {
  readonly url: string;
  readonly target: string;
  /** More than this is refused while it comes. */
  readonly mostBytes: number;
  readonly identity?: { readonly bytes: number; readonly sha256: string } | undefined;
  /** Looks at the whole file before it gets its name; throws when it is not what it should be. */
  readonly check?: ((path: string) => Promise<unknown>) | undefined;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  readonly answerMs?: number | undefined;
  readonly stallMs?: number | undefined;
}

/**
 * @throws {SilenceError} when the server did not answer, or fell silent
 * @throws {DownloadError} saying the address and the reason
 */
export async function download(request: DownloadRequest): Promise<void> {
  const { url, target } = request;
  // A name of its own: two processes may be fetching the same file.
  const partial = `${target}.${randomUUID()}.part`;
  try {
    await mkdir(dirname(target), { recursive: true });
    await withProxy(() => fetchInto(partial, request));
    await request.check?.(partial);
    await rename(partial, target);
  } catch (cause) {
    const Kind = cause instanceof SilenceError ? SilenceError : DownloadError;
    throw new Kind(`${url} could not be downloaded: ${reasonOf(cause)}`, { cause });
  } finally {
    await rm(partial, { force: true });
  }
}

async function fetchInto(path: string, request: DownloadRequest): Promise<void> {
  const { url, identity, onProgress = () => {} } = request;
  const watch = new SilenceWatch(request.answerMs ?? ANSWER_MS, request.stallMs ?? STALL_MS);
  try {
    const response = await fetch(url, { signal: watch.signal });
    if (!response.ok || response.body === null) {
      throw new DownloadError(`the server answered ${response.status} ${response.statusText}`);
    }
    const announced = Number(response.headers.get('content-length') ?? Number.NaN);
    const total = identity?.bytes ?? (Number.isFinite(announced) ? announced : undefined);
    const started = performance.now();
    const hash = createHash('sha256');
    let received = 0;
    await pipeline(
      response.body,
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          watch.heard();
          received += chunk.length;
          if (received > request.mostBytes) {
            throw new DownloadError(`it is larger than ${request.mostBytes} bytes`);
          }
          hash.update(chunk);
          onProgress(progressOf(received, total, performance.now() - started));
          yield chunk;
        }
      },
      createWriteStream(path, { flags: 'wx' }),
    );
    requireIdentity(received, hash.digest('hex'), identity);
  } finally {
    watch.end();
  }
}

function requireIdentity(
  bytes: number,
  sha256: string,
  identity: DownloadRequest['identity'],
): void {
  if (identity === undefined) return;
  if (bytes !== identity.bytes) {
    throw new DownloadError(`${bytes} bytes came where it has ${identity.bytes}`);
  }
  if (sha256 !== identity.sha256) {
    throw new DownloadError(`what came has the SHA-256 ${sha256}, not ${identity.sha256}`);
  }
}

export function progressOf(
  received: number,
  total: number | undefined,
  elapsedMs: number,
): DownloadProgress {
  const known = total !== undefined && received > 0 && elapsedMs > 0;
  const secondsLeft = known ? ((total - received) / received) * (elapsedMs / 1000) : undefined;
  return { received, total, secondsLeft };
}

/** fetch hides why it failed in its error's cause. */
function reasonOf(error: unknown): string {
  return error instanceof TypeError && error.cause !== undefined
    ? messageOf(error.cause)
    : messageOf(error);
}

class SilenceWatch {
  readonly #controller = new AbortController();
  readonly #stallMs: number;
  #timer: NodeJS.Timeout;
  #heard = false;

  constructor(answerMs: number, stallMs: number) {
    this.#stallMs = stallMs;
    this.#timer = this.#start(answerMs, 'no answer came within');
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  heard(): void {
    if (this.#heard) {
      this.#timer.refresh();
      return;
    }
    this.#heard = true;
    this.end();
    this.#timer = this.#start(this.#stallMs, 'nothing came for');
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #start(milliseconds: number, what: string): NodeJS.Timeout {
    const reason = new SilenceError(`${what} ${milliseconds / 1000} s`);
    return setTimeout(() => this.#controller.abort(reason), milliseconds);
  }
}

/** Requests to this machine never take it. */
const NEVER = 'localhost,127.0.0.1,::1';

let users = 0;
let restore: (() => void) | undefined;

/**
 * Lets `fetch` take the proxy of HTTP_PROXY and HTTPS_PROXY, for downloads only, while something runs; it is set for the whole process, so
 * several at once share it. Node before 22.21 cannot, and fetches directly.
 */
async function withProxy<T>(use: () => Promise<T>): Promise<T> {
  if (users === 0) restore = takeProxy(process.env);
  users++;
  try {
    return await use();
  } finally {
    if (--users === 0) restore?.();
  }
}

function takeProxy(environment: NodeJS.ProcessEnv): (() => void) | undefined {
  const { HTTP_PROXY, http_proxy = HTTP_PROXY } = environment;
  const { HTTPS_PROXY, https_proxy = HTTPS_PROXY } = environment;
  if (!http_proxy && !https_proxy) return undefined;
  const { NO_PROXY, no_proxy = NO_PROXY } = environment;
  const set: typeof http.setGlobalProxyFromEnv | undefined = http.setGlobalProxyFromEnv;
  try {
    return set?.({ http_proxy, https_proxy, no_proxy: no_proxy ? `${no_proxy},${NEVER}` : NEVER });
  } catch {
    // Node's error shows the address, in which a password may stand.
    throw new ElasticFaceError(
      'proxy',
      'HTTP_PROXY or HTTPS_PROXY is not the address of a proxy, e.g. http://proxy.example:3128',
    );
  }
}
