/**
 * One request from its photo to its reply. The order of writes is the worker's promise: output object,
 * reply, pressure, and only then the caller deletes the message. A crash between any two repeats work
 * on the next delivery and loses none.
 */
import { encodeReply, type ReplyMessage, type RequestMessage } from '../cloud/messages.ts';
import type { Photos, Results } from '../cloud/objects.ts';
import type { Pressure } from '../cloud/pressure.ts';
import type { Queue } from '../cloud/queues.ts';
import type { Logger } from '../runtime/log.ts';
import type { Computed } from './inference/inference.ts';

export interface RequestParts {
  readonly photos: Photos;
  readonly results: Results;
  readonly replies: Queue;
  readonly pressure: Pressure;
  readonly compute: (bytes: Uint8Array) => Promise<Computed>;
}

/** What a request came to, and where its time went (ms). */
export interface Answered {
  readonly outcome: ReplyMessage['outcome'];
  /** Whether the answer of an earlier delivery was sent again. */
  readonly again: boolean;
  readonly timings: Readonly<Record<string, number>>;
}

/**
 * Does everything but deleting the message.
 * @throws whatever failed for a passing reason; what was written stays, and doing it again is harmless
 */
export async function answerRequest(
  request: RequestMessage,
  deliveries: number,
  parts: RequestParts,
  log: Logger,
): Promise<Answered> {
  const { id, file, node } = request;
  const answered =
    (deliveries > 1 ? await answerOfBefore(request, parts) : undefined) ??
    (await compute(request, parts));
  await parts.replies.send(encodeReply({ id, file, node, outcome: answered.outcome }));
  await settle(request, answered.outcome, parts, log);
  await parts.pressure.finish(id, file).catch((err: unknown) => {
    // The answer is out; what is left in the set, the scaler sweeps when the queue is empty.
    log.warn({ err }, 'the pressure of this request could not be ended');
  });
  return answered;
}

/** Another request may have written an object of this name: only this one's own counts. */
async function answerOfBefore(
  { id, file }: RequestMessage,
  { results }: RequestParts,
): Promise<Answered | undefined> {
  const stored = await results.find(file);
  if (stored?.requestId !== id) return undefined;
  return { outcome: { match: stored.match }, again: true, timings: {} };
}

async function compute(request: RequestMessage, parts: RequestParts): Promise<Answered> {
  const { id, file, key } = request;
  const start = performance.now();
  const bytes = await parts.photos.get(key);
  const fetched = performance.now();
  if (bytes === undefined) {
    const message = `The photo '${file}' is not in the bucket any more: send it again.`;
    return { outcome: { refusal: { reason: 'missing', message } }, again: false, timings: {} };
  }
  const { outcome, timings, computeMs } = await parts.compute(bytes);
  const computed = performance.now();
  if ('match' in outcome) await parts.results.put(file, id, outcome.match);
  return {
    outcome,
    again: false,
    timings: {
      fetch: fetched - start,
      wait: computed - fetched - computeMs,
      ...timings,
      compute: computeMs,
      write: performance.now() - computed,
    },
  };
}

/**
 * A photo that was set aside goes to its contract key, unless another upload holds that name and has
 * its own photo there, perhaps not yet read: then this one is dropped, as one object a file is the
 * contract. Without Redis nobody knows, and only a free key is taken.
 */
async function settle(
  { id, file, key, sentAt }: RequestMessage,
  outcome: ReplyMessage['outcome'],
  { photos, pressure }: RequestParts,
  log: Logger,
): Promise<void> {
  if (key === file) return;
  if ('refusal' in outcome && outcome.refusal.reason === 'missing') return;
  let free: boolean;
  try {
    free = await pressure.begin(id, file, sentAt); // Held until the pressure ends, just below.
  } catch (err) {
    log.warn({ err }, 'nobody knows who holds the file name');
    free = (await photos.get(file)) === undefined;
  }
  if (free) await photos.settle(key, file);
  else await photos.delete(key);
}
