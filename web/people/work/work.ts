/**
 * Work for a worker: its inputs go to the people bucket, its message to the request queue, and its result is
 * read from beside the inputs. Everything of it is deleted when it ends.
 */
import pLimit from 'p-limit';
import type { StoredObjects } from '../../../cloud/aws/s3/stored-objects.ts';
import type { Queue } from '../../../cloud/aws/sqs/queues.ts';
import { encodeWork, type ReplyMessage } from '../../../cloud/contract/messages.ts';
import {
  type PeopleWork,
  WORK_FILE,
  type WorkResult,
  workKeys,
  workResultSchema,
} from '../../../cloud/contract/people-work.ts';
import type { Pressure } from '../../../cloud/redis/pressure.ts';
import type { Logger } from '../../../runtime/log.ts';
import { inSpan, type Span } from '../../../runtime/tracing/tracing.ts';
import { httpError } from '../../errors.ts';
import { newestOf, refusalError } from '../../recognize/recognition.ts';
import type { Waiters } from '../../recognize/waiters.ts';

/** Requests whose inputs are stored at the same time; each stores its photos at once. */
const SENDS_AT_ONCE = 16;

export interface WorkParts {
  readonly node: string;
  readonly objects: StoredObjects;
  readonly pressure: Pick<Pressure, 'arrive' | 'finish'>;
  readonly requests: Pick<Queue, 'send'>;
  readonly waiters: Waiters;
  /** Newest version of the live gallery that this node knows of. */
  readonly galleryVersion: () => number | undefined;
  readonly log: Logger;
}

type Options = Pick<PeopleWork, 'work' | 'kept' | 'person' | 'top' | 'odds' | 'gallery'>;

export interface WorkInputs extends Options {
  readonly photos?: readonly { readonly bytes: Uint8Array; readonly type: string }[];
  /** Of a search: float32, little-endian. */
  readonly embedding?: Uint8Array;
}

export interface WorkRequest {
  readonly id: string;
  readonly span: Span;
  /** Aborted when the client disconnects. */
  readonly left: AbortSignal;
}

/**
 * Resolves once the inputs are stored, when their bytes can be freed, with the result to come.
 * @throws {HttpError} if they could not be stored
 */
export type SubmitWork = (
  inputs: WorkInputs,
  request: WorkRequest,
) => Promise<{ readonly result: Promise<WorkResult> }>;

export function workSubmitter(parts: WorkParts): SubmitWork {
  const slots = pLimit(SENDS_AT_ONCE);
  return async (inputs, request) => {
    const { id, left } = request;
    const log = parts.log.child({ request: id });
    const notSent = new AbortController();
    const reply = parts.waiters.wait(
      { id, file: WORK_FILE },
      AbortSignal.any([left, notSent.signal]),
    );
    reply.catch(() => {}); // Awaited below, perhaps after it is rejected.
    const end = async (): Promise<void> => {
      await parts.objects
        .deleteUnder(workKeys.prefix(id))
        .catch((err: unknown) =>
          log.warn({ err }, 'Cannot delete the inputs; a sweep deletes them'),
        );
    };
    try {
      await slots(() => send(inputs, request, parts, log));
    } catch (error) {
      notSent.abort(error);
      await end();
      throw error;
    }
    const result = reply.then((reply) => resultOf(reply, parts.objects)).finally(end);
    result.catch(() => {}); // Awaited by the caller, perhaps after it is rejected.
    return { result };
  };
}

async function send(
  { photos = [], embedding, ...options }: WorkInputs,
  { id, span, left }: WorkRequest,
  { node, objects, pressure, requests, galleryVersion }: WorkParts,
  log: Logger,
): Promise<void> {
  left.throwIfAborted();
  const { gallery } = await pressure.arrive(id, WORK_FILE).catch((err: unknown) => {
    log.debug({ err }, 'Pressure not counted');
    return { gallery: undefined };
  });
  try {
    await inSpan(span.child('store inputs', { kind: 'client' }), async () => {
      const stored = photos.map(({ bytes, type }, index) =>
        objects.put(workKeys.photo(id, index), bytes, type),
      );
      if (embedding !== undefined) {
        stored.push(objects.put(workKeys.embedding(id), embedding, 'application/octet-stream'));
      }
      await Promise.all(stored);
    });
    const sending = span.child('send request', { kind: 'producer' });
    const work: PeopleWork = {
      ...options,
      id,
      photos: photos.length,
      gallery: newestOf(options.gallery, gallery, galleryVersion()),
      node,
      sentAt: Date.now(),
      trace: sending.traceparent,
    };
    await inSpan(sending, () => requests.send(encodeWork(work)));
    log.info({ work: options.work, photos: photos.length, trace: work.trace }, 'Queued');
  } catch (err) {
    log.error({ err }, 'The request could not be sent');
    await pressure.finish(id, WORK_FILE).catch(() => {}); // The entry expires: see cloud/redis/pressure.ts.
    throw httpError.notStored(err);
  }
}

/** @throws {HttpError} when a worker gave it up, or its result cannot be read */
async function resultOf(
  { id, outcome }: ReplyMessage,
  objects: Pick<StoredObjects, 'get'>,
): Promise<WorkResult> {
  if ('refusal' in outcome) throw refusalError(outcome.refusal);
  const bytes = await objects.get(workKeys.result(id)).catch((cause: unknown) => {
    throw httpError.resultsUnreadable(cause);
  });
  if (bytes === undefined) throw httpError.failed('The result is gone: send the request again.');
  return workResultSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
}
