/** Posts one photo as a client does, and says what the client was told. */
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../runtime/errors.ts';
import type { Told, Upload } from './ledger.ts';

const BOUNDARY = 'elastic-face-chaos';
/** While nobody listens, as when the web tier is just restarted. */
const AGAIN_MS = 200;

export interface Poster {
  post(url: string, upload: Pick<Upload, 'file' | 'bytes'>): Promise<Told>;
  close(): void;
}

/** @param patienceMs a client waits no longer than this for one answer */
export function openPoster(patienceMs: number): Poster {
  const agent = new Agent({ keepAlive: false });
  return {
    async post(url, { file, bytes }) {
      const patience = AbortSignal.timeout(patienceMs);
      const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="inputFile"; filename="${file}"\r\nContent-Type: image/jpeg\r\n\r\n`;
      const tail = `\r\n--${BOUNDARY}--\r\n`;
      const body = Buffer.concat([Buffer.from(head), bytes, Buffer.from(tail)]);
      const headers = {
        'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
        'content-length': body.length,
      };
      for (;;) {
        try {
          const outgoing = request(url, { method: 'POST', agent, headers, signal: patience });
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
    },
    close: () => agent.destroy(),
  };
}
