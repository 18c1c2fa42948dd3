/**
 * The clients: honest ones, each posting a photo and waiting for its answer, first as fast as answers come,
 * which shows the capacity, then at a share of it; and bursts beside them. Judges nothing.
 */

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Agent, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import sharp from 'sharp';
import { findCourseData } from '../../convert/sources/course-data.ts';
import { messageOf } from '../../runtime/errors.ts';
import type { Expected, Ledger, Told, Upload } from './ledger.ts';

export interface Photo {
  readonly bytes: Buffer;
  readonly expected: Expected;
}

export interface LoadOptions {
  /** One for each web node. */
  readonly urls: readonly string[];
  readonly requests: number;
  readonly clients: number;
  /** Of the capacity, what honest clients ask for once it is known. */
  readonly share: number;
  /** How long the capacity is measured, from the first answer on. */
  readonly measureMs: number;
  /** The photo of upload n; no two have the same bytes. */
  readonly photo: (number: number) => Photo | Promise<Photo>;
  /** A client waits no longer than this for one answer. */
  readonly patienceMs: number;
  readonly ledger: Ledger;
  /** No more uploads are begun when it is aborted. */
  readonly signal: AbortSignal;
}

export interface Load {
  /** Answers a second; resolves once measured, or with what was seen when all uploads are begun before. */
  readonly capacity: Promise<number>;
  /** Resolves when honest clients begin no more uploads. */
  readonly begun: Promise<void>;
  /** Resolves when every upload has come to its end, those of bursts too. */
  readonly done: Promise<void>;
  /** Further uploads, at this rate per second for this time, whatever the answers. */
  burst(perSecond: number, ms: number): void;
}

/** Every how many uploads one has the name of the one before it, at the same time. */
const TWINS_EVERY = 20;
/** Numbers from here on are those of bursts. */
const FIRST_OF_BURSTS = 1_000_000;
/** Maximum number of connections of bursts, limited by one machine's ports. */
const MOST_IN_BURSTS = 2000;
/** Capacity is the best rate over this long. */
const RATE_MS = 2000;

export function fileName(number: number): string {
  const named = number % TWINS_EVERY === 1 && number > 1 ? number - 1 : number;
  return `chaos_${String(named).padStart(6, '0')}.jpg`;
}

export function startLoad(options: LoadOptions): Load {
  const { urls, requests, clients, share, measureMs, ledger, signal } = options;
  const poster = openPoster(options.patienceMs);
  const capacity = Promise.withResolvers<number>();
  const begun = Promise.withResolvers<void>();
  let known: number | undefined;
  let firstAnswerAt: number | undefined;
  let next = 0;
  let nextSlot = 0;
  let nextOfBursts = FIRST_OF_BURSTS;
  const inBursts = new Set<Promise<void>>();

  const upload = async (number: number, isBurst: boolean): Promise<void> => {
    const { bytes, expected } = await options.photo(number);
    const node = number % urls.length;
    const file = fileName(number);
    const one: Upload = { number, file, expected, bytes, node, isBurst, from: performance.now() };
    ledger.begin(one);
    ledger.end(one, await poster.post(urls[node]!, one), performance.now());
  };
  const measure = (): void => {
    const now = performance.now();
    firstAnswerAt ??= now;
    if (known !== undefined || now < firstAnswerAt + measureMs) return;
    known = bestRate(ledger.uploads, RATE_MS);
    capacity.resolve(known);
  };
  /** The next free place in time; places that were missed are not made up for. */
  const slot = async (): Promise<void> => {
    if (known === undefined) return;
    const now = performance.now();
    const at = Math.max(now, nextSlot);
    nextSlot = at + 1000 / (share * known);
    await delay(at - now, undefined, { signal }).catch(() => undefined);
  };
  const lane = async (): Promise<void> => {
    while (next < requests && !signal.aborted) {
      const number = next++;
      await slot();
      if (signal.aborted) return;
      await upload(number, false);
      measure();
    }
  };
  const run = async (): Promise<void> => {
    const lanes = Array.from({ length: clients }, () => lane().finally(begun.resolve));
    await Promise.all(lanes);
    capacity.resolve(known ?? bestRate(ledger.uploads, RATE_MS));
    while (inBursts.size > 0) await Promise.all(inBursts);
    poster.close();
  };
  return {
    capacity: capacity.promise,
    begun: begun.promise,
    done: run(),
    burst(perSecond, ms) {
      const end = performance.now() + ms;
      const post = async (): Promise<void> => {
        for (let at = performance.now(); at < end && !signal.aborted; at += 1000 / perSecond) {
          await delay(Math.max(0, at - performance.now()));
          if (inBursts.size > MOST_IN_BURSTS) continue;
          const one = upload(nextOfBursts++, true).finally(() => inBursts.delete(one));
          inBursts.add(one);
        }
      };
      const posting = post().finally(() => inBursts.delete(posting));
      inBursts.add(posting);
    },
  };
}

/** Answers a second in the best stretch of `ms`; at least one in all of it, so that it is above 0. */
function bestRate(uploads: readonly Upload[], ms: number): number {
  const ends = uploads.flatMap(({ to }) => (to === undefined ? [] : [to])).sort((a, b) => a - b);
  let most = 1;
  for (let first = 0, last = 0; last < ends.length; last++) {
    while (ends[last]! - ends[first]! > ms) first++;
    most = Math.max(most, last - first + 1);
  }
  return (most * 1000) / ms;
}

const BOUNDARY = 'elastic-face-chaos';
/** While no process listens, as when the web tier is just restarted. */
const AGAIN_MS = 200;

export interface Poster {
  post(url: string, upload: Pick<Upload, 'file' | 'bytes'>): Promise<Told>;
  close(): void;
}

/**
 * Posts one photo as a client does, and says what the client was told.
 * @param patienceMs a client waits no longer than this for one answer
 */
function openPoster(patienceMs: number): Poster {
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

/** Every how many uploads one is no image and one has no face. */
const BAD_EVERY = 50;

/**
 * The course's photos as uploads, each with bytes of its own, and the names that are right for them.
 * @throws {CheckpointError} when the course's photos are nowhere and cannot be downloaded
 */
export async function coursePhotos(): Promise<(number: number) => Promise<Photo>> {
  const { images, results } = await findCourseData(1000);
  const rows = (await readFile(results, 'utf8')).trim().split(/\r?\n/).slice(1);
  const named = rows.map((row) => row.split(',') as [string, string]);
  const grey = { width: 64, height: 64, channels: 3 as const, background: '#888' };
  const wall = await sharp({ create: grey }).jpeg().toBuffer();
  return async (number) => {
    // After the end of the image, where decoders do not look.
    const mark = Buffer.from(`upload ${number}`);
    if (number % BAD_EVERY === 33) {
      return { bytes: Buffer.concat([Buffer.from('no image'), mark]), expected: REFUSAL };
    }
    if (number % BAD_EVERY === 44) {
      return { bytes: Buffer.concat([wall, mark]), expected: REFUSAL };
    }
    const [stem, name] = named[number % named.length]!;
    const photo = await readFile(join(images, `${stem}.jpg`));
    return { bytes: Buffer.concat([photo, mark]), expected: { kind: 'name', name } };
  };
}

const REFUSAL = { kind: 'refusal' } as const;
