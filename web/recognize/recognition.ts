/** Stores and queues one photo, and waits for its result. */
import { randomUUID } from 'node:crypto';
import pLimit from 'p-limit';
import type { Photos } from '../../cloud/aws/s3/objects.ts';
import type { Queue } from '../../cloud/aws/sqs/queues.ts';
import type { Match } from '../../cloud/contract/match.ts';
import {
  type Ask,
  encodeRequest,
  KEPT,
  photoDigest,
  type ReplyMessage,
  type RequestMessage,
} from '../../cloud/contract/messages.ts';
import { asideKey } from '../../cloud/contract/names.ts';
import type { Pressure } from '../../cloud/redis/pressure.ts';
import type { Logger } from '../../runtime/log.ts';
import { inSpan, NO_SPAN, type Span } from '../../runtime/tracing/tracing.ts';
import { httpError } from '../errors.ts';
import type { Upload } from '../upload/photo.ts';
import type { Waiters } from './waiters.ts';

/**
 * Photos sent to S3, Redis and SQS concurrently. With thousands at once this node would be too busy to
 * read the answers of Redis in time.
 */
const SENDS_AT_ONCE = 64;

export interface RecognitionParts {
  readonly node: string;
  readonly photos: Photos;
  readonly pressure: Pressure;
  readonly requests: Queue;
  readonly waiters: Waiters;
  /** Newest version of the live gallery that this node knows of: Redis may be away, or have lost it. */
  readonly galleryVersion?: () => number | undefined;
  /** Called with the size of each photo that is stored and queued, and the time it took. */
  readonly onSent?: (bytes: number, seconds: number) => void;
  readonly log: Logger;
}

/** The result for a photo: the match, and the timings and instance of its worker. */
export interface Recognised extends Pick<ReplyMessage, 'timings' | 'instance'> {
  readonly match: Match;
}

export interface SubmitOptions {
  /** The request's id; a new one by default. */
  readonly id?: string;
  readonly ask?: Ask;
  /** The parent span, if the request is traced. */
  readonly span?: Span;
}

/** A photo that is stored and queued. */
export interface Submitted {
  readonly file: string;
  /**
   * Rejects with an HttpError for the client, or with the signal's reason once the client has
   * disconnected.
   */
  readonly answer: Promise<Recognised>;
}

/** @param signal aborted when the client disconnects */
export type Submit = (
  upload: Upload,
  signal: AbortSignal,
  options?: SubmitOptions,
) => Promise<Submitted>;

/** Stores and queues a photo whose result is stored in Redis: see `KEPT`. Rejects as `Submit` does. */
export type Enqueue = (upload: Upload, options: SubmitOptions & { id: string }) => Promise<void>;

export function enqueuer(parts: Omit<RecognitionParts, 'node' | 'waiters'>): Enqueue {
  const slots = pLimit(SENDS_AT_ONCE);
  return (upload, { id, ask = {}, span = NO_SPAN }) => {
    const log = parts.log.child({ request: id });
    return slots(() => send({ ...parts, node: KEPT }, upload, { id, ...ask }, span, log));
  };
}

/**
 * @returns a function that resolves once the photo is stored and its request queued, when its bytes can
 * be freed. It rejects with an HttpError if that failed.
 */
export function submitter(parts: RecognitionParts): Submit {
  const slots = pLimit(SENDS_AT_ONCE);
  return async (upload, signal, { id = randomUUID(), ask = {}, span = NO_SPAN } = {}) => {
    const log = parts.log.child({ request: id });
    const notSent = new AbortController();
    const awaited = { id, file: upload.file };
    const reply = parts.waiters.wait(awaited, AbortSignal.any([signal, notSent.signal]));
    // It may be rejected while the photo is still being sent: awaited below.
    reply.catch(() => parts.pressure.abandon(id)).catch(() => {}); // A worker still processes the request.
    try {
      await slots(() => send(parts, upload, { id, ...ask }, span, log));
    } catch (error) {
      notSent.abort(error);
      throw error;
    }
    const answer = reply.then(recognisedOf);
    answer.catch(() => {}); // Awaited by the caller, perhaps after it is rejected.
    return { file: upload.file, answer };
  };
}

/** @throws {HttpError} with the reason if there is no match */
export function recognisedOf({ outcome, timings, instance }: ReplyMessage): Recognised {
  if ('match' in outcome) return { match: outcome.match, timings, instance };
  if ('refusal' in outcome) throw refusalError(outcome.refusal);
  throw httpError.internal(); // The reply to people work: its id is of another kind of request.
}

async function send(
  parts: Omit<RecognitionParts, 'waiters'>,
  { file, bytes, type }: Upload,
  asked: Ask & Pick<RequestMessage, 'id'>,
  span: Span,
  log: Logger,
): Promise<void> {
  const { id } = asked;
  const { node, photos, pressure, requests } = parts;
  const begun = performance.now();
  const { holdsName, gallery } = await pressure.arrive(id, file).catch((err: unknown) => {
    // Without Redis it is unknown whether the name is in use, so the photo gets a key of its own. The
    // connection logs the trouble with Redis once.
    log.debug({ err }, 'Pressure not counted');
    return { holdsName: false, gallery: undefined };
  });
  const key = holdsName ? file : asideKey(id, file);
  try {
    await inSpan(span.child('store photo', { kind: 'client' }), () => photos.put(key, bytes, type));
    const digest = photoDigest(bytes);
    const sentAt = Date.now();
    const sending = span.child('send request', { kind: 'producer' });
    const trace = sending.traceparent;
    const least = newestOf(asked.gallery, gallery, parts.galleryVersion?.());
    const message = encodeRequest({
      ...asked,
      gallery: least,
      file,
      key,
      digest,
      node,
      sentAt,
      trace,
    });
    await inSpan(sending, () => requests.send(message));
    log.info({ bytes: bytes.length, trace }, 'Queued'); // The file name is not logged: it may name the person in the photo.
    parts.onSent?.(bytes.length, (performance.now() - begun) / 1000);
  } catch (err) {
    log.error({ err }, 'The request could not be sent');
    await pressure.finish(id, file).catch(() => {}); // The entry expires: see cloud/redis/pressure.ts.
    throw httpError.notStored(err);
  }
}

/** The newest of these gallery versions; undefined for the model's own gallery, and where none is known. */
export function newestOf(...versions: readonly (number | undefined)[]): number | undefined {
  return Math.max(0, ...versions.map((version) => version ?? 0)) || undefined;
}

/** What the client of a photo reads when it has no match. */
export function refusalError({
  reason,
  message,
  permanent,
}: Extract<ReplyMessage['outcome'], { refusal: unknown }>['refusal']) {
  switch (reason) {
    case 'image':
      return httpError.brokenImage(message);
    case 'no-face':
      return httpError.noFace(message);
    case 'missing':
      return httpError.missing(message);
    case 'forgotten':
      return httpError.forgotten(message);
    case 'failed':
      return permanent ? httpError.unanswerable(message) : httpError.failed(message);
  }
}
