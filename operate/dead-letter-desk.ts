/** Lists, shows, retries and drops dead letters; returns lines of text as it works through them. */

import { createAwsClients } from '../cloud/aws/clients.ts';
import { openPhotos } from '../cloud/aws/s3/objects.ts';
import { openObjects } from '../cloud/aws/s3/stored-objects.ts';
import { type DeadLetter, openDeadLetters } from '../cloud/aws/sqs/dead-letters.ts';
import { openQueue } from '../cloud/aws/sqs/queues.ts';
import { encodeRequest, encodeWork, photoDigest } from '../cloud/contract/messages.ts';
import { cloudNames } from '../cloud/contract/names.ts';
import { type PeopleWork, workKeys } from '../cloud/contract/people-work.ts';
import { fileOf, isWork, type QueuedRequest } from '../cloud/contract/queued.ts';
import { connectRedis } from '../cloud/redis/connection.ts';
import { openPressure } from '../cloud/redis/pressure.ts';
import { errorClass } from '../runtime/errors.ts';
import type { Logger } from '../runtime/log.ts';
import { redisUrlOf } from '../runtime/process/service.ts';
import type { Settings } from '../runtime/settings.ts';

export type Chosen = readonly string[] | 'all';

export interface DeadLetterDesk {
  /** One line a letter: id, file, when, deliveries, reason. */
  list(): AsyncGenerator<string>;
  /** One JSON object a letter, with whether its photo is still there. */
  show(chosen: Chosen): AsyncGenerator<string>;
  /**
   * Sends them again with deliveries counted from zero: pressure first, so that the scaler sees them, and the
   * name where it is free; then the request; then the letter goes. Dying between sends one twice at most.
   */
  retry(chosen: Chosen): AsyncGenerator<string>;
  /** Deletes the letters; their photos stay in the bucket. */
  drop(chosen: Chosen): AsyncGenerator<string>;
  close(): void;
}

/** Nothing was chosen, or something that is not there. */
export class DeadLetterError extends errorClass('dead-letters') {
  constructor(message: string) {
    super(message);
  }
}

/** @throws {QueueError} when the project's queues do not exist */
export async function openDeadLetterDesk(settings: Settings, log: Logger): Promise<DeadLetterDesk> {
  const names = cloudNames(settings.PROJECT_ID, settings.BUCKET_SUFFIX);
  const clients = createAwsClients(settings);
  const [requests, buried] = await Promise.all([
    openQueue(clients.sqs, names.requestQueue),
    openQueue(clients.sqs, names.deadLetterQueue),
  ]);
  const letters = openDeadLetters(buried);
  const photos = openPhotos(clients.s3, names.inBucket);
  const works = openObjects(clients.s3, names.peopleBucket);
  const redisUrl = redisUrlOf(settings);
  const redis = redisUrl === undefined ? undefined : connectRedis(redisUrl, 'dead-letters', log);
  const pressure = redis && openPressure(redis, names.keys, settings.REQUEST_SECONDS * 1000);

  const workInputs = async ({ id, work, kept }: PeopleWork): Promise<string> => {
    const key = work === 'search' ? workKeys.embedding(id) : workKeys.photo(id, 0);
    if (kept) return (await photos.get(kept.key)) === undefined ? 'gone' : 'there';
    return (await works.exists(key)) ? 'there' : 'gone';
  };
  const photoState = async ({ request }: DeadLetter): Promise<string> => {
    if (request === undefined) return 'unknown';
    if (isWork(request)) return workInputs(request);
    const bytes = await photos.get(request.key);
    if (bytes === undefined) return 'gone';
    const isOwn = request.digest === undefined || photoDigest(bytes) === request.digest;
    return isOwn ? 'there' : 'replaced by another upload of that name';
  };

  /**
   * Does `work` with each chosen letter, a page at a time: their receipts stay fresh. A request may have
   * several letters, since a worker whose send is not confirmed sends again: `work` is done with the first
   * one, and the others are deleted with it.
   */
  async function* each(
    chosen: Chosen,
    work: (letter: DeadLetter) => Promise<{ line: string; isDone: boolean }>,
  ): AsyncGenerator<string> {
    if (chosen !== 'all' && chosen.length === 0) {
      throw new DeadLetterError('Name the ids of the letters, as `list` prints them, or --all.');
    }
    const missing = new Set(chosen === 'all' ? [] : chosen);
    const wanted = new Set(missing);
    const seen = new Set<string>();
    const done = new Set<string>();
    const workOn = async (letter: DeadLetter): Promise<string> => {
      const { line, isDone } = await work(letter);
      if (isDone) {
        await letters.delete(letter);
        done.add(letter.id);
      }
      return line;
    };
    for await (const page of letters.pages()) {
      const mine = chosen === 'all' ? page : page.filter(({ id }) => wanted.has(id));
      const firsts: DeadLetter[] = [];
      const others: DeadLetter[] = [];
      for (const letter of mine) {
        (seen.has(letter.id) ? others : firsts).push(letter);
        seen.add(letter.id);
        missing.delete(letter.id);
      }
      const lines = await Promise.all(firsts.map(workOn));
      await Promise.all(others.filter(({ id }) => done.has(id)).map(letters.delete));
      yield* lines;
      if (chosen !== 'all' && missing.size === 0) return;
    }
    if (missing.size === 0) return;
    throw new DeadLetterError(
      `No dead letter ${[...missing].join(', ')}, or another reader holds it.`,
    );
  }

  return {
    list: () => each('all', async (letter) => ({ line: listLine(letter), isDone: false })),
    show: (chosen) =>
      each(chosen, async (letter) => {
        const { id, request, body, reason, deliveries, worker, at } = letter;
        const photo = await photoState(letter);
        const when = new Date(at).toISOString();
        const shown = { id, reason, deliveries, worker, at: when, photo, request: request ?? body };
        return { line: JSON.stringify(shown), isDone: false };
      }),
    retry: (chosen) =>
      each(chosen, async ({ id, request }) => {
        if (request === undefined) return { line: `${id}: it cannot be read`, isDone: false };
        await pressure?.begin(id, fileOf(request)).catch((err: unknown) => {
          log.warn({ err }, 'Cannot count the pressure; the scaler sees the queue itself');
        });
        await requests.send(encoded({ ...request, sentAt: Date.now() }));
        return { line: `${id} ${labelOf(request)}: sent again`, isDone: true };
      }),
    drop: (chosen) =>
      each(chosen, async ({ id, request }) => ({
        line: `${id} ${request ? labelOf(request) : ''}: dropped`,
        isDone: true,
      })),
    close() {
      redis?.disconnect();
      clients.destroy();
    },
  };
}

function encoded(request: QueuedRequest): string {
  return isWork(request) ? encodeWork(request) : encodeRequest(request);
}

/** Its file name, or what kind of work it is. */
function labelOf(request: QueuedRequest): string {
  return isWork(request) ? `(work: ${request.work})` : request.file;
}

function listLine({ id, request, at, deliveries, reason }: DeadLetter): string {
  const file = request ? labelOf(request) : '(cannot be read)';
  return [id, file, new Date(at).toISOString(), `${deliveries ?? '?'} deliveries`, reason].join(
    '  ',
  );
}
