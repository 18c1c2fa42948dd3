/**
 * One request from its photo to its reply. The order of writes makes it safe to repeat: output object,
 * reply, pressure, and only then the caller deletes the message. A crash between any two repeats work
 * on the next delivery and loses none.
 */

import type { Photos, Results } from '../../cloud/aws/s3/objects.ts';
import type { Queue } from '../../cloud/aws/sqs/queues.ts';
import {
  encodeReply,
  type ModelInfo,
  photoDigest,
  type ReplyMessage,
  type RequestMessage,
} from '../../cloud/contract/messages.ts';
import type { PeopleWork } from '../../cloud/contract/people-work.ts';
import { fileOf, isWork, type QueuedRequest } from '../../cloud/contract/queued.ts';
import type { Pressure } from '../../cloud/redis/pressure.ts';
import type { Logger } from '../../runtime/log.ts';
import { HoldLost, NeverAnswered } from '../errors.ts';
import type { Inference } from '../inference/inference.ts';
import type { AnswerGroups } from './answer-groups.ts';
import { type Answered, type Delivery, wholeMs } from './delivery.ts';
import { answerWork, type WorkParts } from './work.ts';

export interface RequestParts extends WorkParts {
  readonly photos: Photos;
  readonly results: Results;
  readonly replies: Queue;
  /** Which answers are written and sent together; without it each is at once. */
  readonly groups?: AnswerGroups | undefined;
  readonly pressure: Pressure;
  readonly compute: Inference['compute'];
  /** This one, as replies name it. */
  readonly instanceId: string;
  /** What computes here; undefined until it is loaded. */
  readonly model: () => ModelInfo | undefined;
  /** Deliveries after which a request is not tried again. */
  readonly mostDeliveries: number;
  /** Resolves once this worker has the gallery that was the newest at the call, where that is at least needed. */
  readonly catchUp: (version: number | undefined) => Promise<void>;
  /** Whether strangers have a name of their own: every answer must then know them. */
  readonly namesStrangers?: boolean;
}

/**
 * Does everything but deleting the message.
 * @returns undefined where the request was postponed
 * @throws whatever failed for a temporary reason; what was written stays, and repeating it is harmless
 */
export async function answerRequest(
  request: QueuedRequest,
  delivery: Delivery,
  parts: RequestParts,
  log: Logger,
): Promise<Answered | undefined> {
  const { id, node, sentAt } = request;
  const file = fileOf(request);
  const { deliveries } = delivery;
  const answered: Unwritten | undefined = isWork(request)
    ? await answerUnlessPostponed(request, delivery, parts)
    : await answerPhoto(request, delivery, parts);
  if (answered === undefined) return undefined;
  const { outcome, again, write } = answered;
  let { timings } = answered;
  const store = async (): Promise<void> => {
    const storing = performance.now();
    await write?.();
    if (write !== undefined) timings = { ...timings, write: performance.now() - storing };
  };
  const model = parts.model();
  const reply = async (waitMs: number): Promise<void> => {
    const replying = performance.now();
    const computed = { outcome, timings: wholeMs(timings), instance: parts.instanceId };
    const body = encodeReply({ id, file, node, ...computed, model, deliveries, sentAt });
    await parts.replies.send(body, {}, 0, waitMs);
    timings = { ...timings, reply: performance.now() - replying };
  };
  if (parts.groups !== undefined) await parts.groups.around(sentAt, store, reply);
  else await store().then(() => reply(0));
  if (!isWork(request)) await settle(request, outcome, parts, log);
  await parts.pressure.finish(id, file).catch((err: unknown) => {
    // The answer is sent; the scaler removes what is left in the set when the queue is empty.
    log.warn({ err }, 'Cannot remove this request from the pressure set');
  });
  return { outcome, again, timings };
}

/** An answer whose output object is not stored yet. */
interface Unwritten extends Answered {
  readonly write?: () => Promise<void>;
}

async function answerUnlessPostponed(
  work: PeopleWork,
  delivery: Delivery,
  parts: RequestParts,
): Promise<Answered | undefined> {
  return (await delivery.postponed) ? undefined : answerWork(work, delivery, parts);
}

async function answerPhoto(
  request: RequestMessage,
  delivery: Delivery,
  parts: RequestParts,
): Promise<Unwritten | undefined> {
  const before = delivery.deliveries > 1 ? await answerOfBefore(request, parts) : undefined;
  return before ?? compute(request, delivery, parts);
}

/**
 * Another request may have written an object of this name: only this one's own counts. A client may use
 * its request id again later, so that the photo must be the same, too.
 */
async function answerOfBefore(
  { id, file, digest }: RequestMessage,
  { results }: RequestParts,
): Promise<Answered | undefined> {
  const stored = await results.find(file);
  if (stored?.requestId !== id) return undefined;
  const isOther = stored.digest !== undefined && digest !== undefined && stored.digest !== digest;
  if (isOther) return undefined;
  return { outcome: { match: stored.match }, again: true, timings: {} };
}

async function compute(
  request: RequestMessage,
  delivery: Delivery,
  parts: RequestParts,
): Promise<Unwritten | undefined> {
  const { id, file, digest, faces, top, odds, gallery } = request;
  if (delivery.deliveries > parts.mostDeliveries) throw new NeverAnswered(parts.mostDeliveries);
  const start = performance.now();
  const fetching = Promise.all([photoOf(request, parts), parts.catchUp(gallery)]);
  fetching.catch(() => {}); // Awaited below, unless the request is postponed.
  if (await delivery.postponed) return undefined;
  const [bytes] = await fetching;
  const fetched = performance.now();
  if (bytes === undefined) {
    // SQS may deliver one message twice at once: the other worker has moved the photo already.
    const before = await answerOfBefore(request, parts);
    if (before) return before;
    const message = 'The photo is not in the bucket any more: send it again.';
    return { outcome: { refusal: { reason: 'missing', message } }, again: false, timings: {} };
  }
  const { outcome, timings, computeMs } = await parts.compute(bytes, {
    faces,
    top,
    odds,
    known: request.known ?? (parts.namesStrangers || undefined),
  });
  const computed = performance.now();
  return {
    outcome,
    again: false,
    timings: {
      fetch: fetched - start,
      wait: computed - fetched - computeMs,
      ...timings,
      compute: computeMs,
    },
    async write() {
      // What stands still for long must not write over what came after it.
      if (delivery.isLost) throw new HoldLost();
      if ('match' in outcome) {
        await parts.results.put(file, { requestId: id, digest, match: outcome.match });
      }
    },
  };
}

/**
 * The bytes that were uploaded: from their key, or from the contract key that they were moved to. Bytes
 * of another upload under the same name do not count: a wrong name is worse than a request to
 * send the photo again.
 */
async function photoOf(
  { key, file, digest }: RequestMessage,
  { photos }: RequestParts,
): Promise<Uint8Array | undefined> {
  for (const place of new Set(digest === undefined ? [key] : [key, file])) {
    const bytes = await photos.get(place);
    if (bytes && (digest === undefined || photoDigest(bytes) === digest)) return bytes;
  }
  return undefined;
}

/**
 * A photo that was set aside goes to its contract key, unless another upload holds that name and has
 * its own photo there, perhaps not yet read: then this one is dropped, as one object a file is the
 * contract. Without Redis nobody knows, and only a free key is taken.
 */
async function settle(
  { id, file, key }: RequestMessage,
  outcome: ReplyMessage['outcome'],
  { photos, pressure }: RequestParts,
  log: Logger,
): Promise<void> {
  if (key === file) return;
  if ('refusal' in outcome && outcome.refusal.reason === 'missing') return;
  let free: boolean;
  try {
    free = await pressure.begin(id, file); // Held until the pressure ends, just below.
  } catch (err) {
    log.warn({ err }, 'Cannot check whether another upload holds the file name');
    free = (await photos.get(file)) === undefined;
  }
  if (free) await photos.settle(key, file);
  else await photos.delete(key);
}
