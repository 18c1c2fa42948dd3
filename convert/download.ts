/**
 * One file from its public address to its place on disk, whole and checked or not at all. Knows neither
 * what the file is for nor where it might lie already.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ElasticFaceError, messageOf } from '../runtime/errors.ts';

/** A connection that stays silent this long is given up. */
const STALL_MS = 30_000;

/** The file could not be fetched, or what came is not it; nothing was put in its place. */
export class DownloadError extends ElasticFaceError {
  constructor(message: string, options?: ErrorOptions) {
    super('download', message, options);
  }
}

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
  readonly stallMs?: number;
}

/** @throws {DownloadError} saying the address and the reason */
export async function download(request: DownloadRequest): Promise<void> {
  const { url, target } = request;
  // A name of its own: two processes may be fetching the same file.
  const partial = `${target}.${randomUUID()}.part`;
  try {
    await mkdir(dirname(target), { recursive: true });
    await fetchInto(partial, request);
    await request.check?.(partial);
    await rename(partial, target);
  } catch (cause) {
    throw new DownloadError(`${url} could not be downloaded: ${reasonOf(cause)}`, { cause });
  } finally {
    await rm(partial, { force: true });
  }
}

async function fetchInto(path: string, request: DownloadRequest): Promise<void> {
  const { url, identity, onProgress = () => {} } = request;
  const stall = new StallWatch(request.stallMs ?? STALL_MS);
  try {
    const response = await fetch(url, { signal: stall.signal });
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
          stall.reset();
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
    stall.end();
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

class StallWatch {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(milliseconds: number) {
    const reason = new DownloadError(`nothing came for ${milliseconds / 1000} s`);
    this.#timer = setTimeout(() => this.#controller.abort(reason), milliseconds);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  reset(): void {
    this.#timer.refresh();
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
