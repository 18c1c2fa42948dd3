/** The clients: so many at once, each posts a photo and waits for its answer. Judges nothing. */

import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../runtime/errors.ts';
import type { Expected, Ledger, Told, Upload } from './ledger.ts';

export interface Photo {
  readonly bytes: Buffer;
  readonly expected: Expected;
}

export interface LoadOptions {
  readonly url: string;
  readonly requests: number;
  readonly clients: number;
  /** The photo of upload n; no two have the same bytes. */
  readonly photo: (number: number) => Photo | Promise<Photo>;
  /** A client waits no longer than this for one answer. */
  readonly patienceMs: number;
  readonly ledger: Ledger;
  /** No more uploads are begun when it is aborted. */
  readonly signal: AbortSignal;
}

/** Of so many uploads, one has the name of the one before it, at the same time. */
const TWINS_EVERY = 20;
const BOUNDARY = 'elastic-face-chaos';
/** While nobody listens, as when the web tier is just restarted. */
const AGAIN_MS = 200;

export function fileName(number: number): string {
  const named = number % TWINS_EVERY === 1 && number > 1 ? number - 1 : number;
  return `chaos_${String(named).padStart(6, '0')}.jpg`;
}

export async function runLoad(options: LoadOptions): Promise<void> {
  const { requests, clients, ledger, signal } = options;
  const agent = new Agent({ keepAlive: false });
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < requests && !signal.aborted) {
      const number = next++;
      const { bytes, expected } = await options.photo(number);
      const upload: Upload = {
        number,
        file: fileName(number),
        expected,
        bytes,
        from: performance.now(),
      };
      ledger.begin(upload);
      ledger.end(upload, await post(upload, agent, options), performance.now());
    }
  };
  await Promise.all(Array.from({ length: clients }, lane));
}

async function post(upload: Upload, agent: Agent, options: LoadOptions): Promise<Told> {
  const patience = AbortSignal.timeout(options.patienceMs);
  const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="inputFile"; filename="${upload.file}"\r\nContent-Type: image/jpeg\r\n\r\n`;
  const body = Buffer.concat([
    Buffer.from(head),
    upload.bytes,
    Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
  ]);
  const headers = {
    'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
    'content-length': body.length,
  };
  for (;;) {
    try {
      const outgoing = request(options.url, { method: 'POST', agent, headers, signal: patience });
      outgoing.end(body);
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
      return { kind: 'answer', status: response.statusCode ?? 0, text: await text(response) };
    } catch (error) {
      if (patience.aborted) return { kind: 'nothing' };
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ECONNREFUSED') return { kind: 'cut', reason: code ?? messageOf(error) };
      await delay(AGAIN_MS);
    }
  }
}
