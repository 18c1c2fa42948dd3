/** Requests with `Prefer: respond-async`: their results are stored in Redis, and any web node can read them. */
import { photoDigest, type ReplyMessage } from '../../cloud/contract/messages.ts';
import type { RecognitionRecord, Recognitions } from '../../cloud/redis/recognitions.ts';
import { httpError, toHttpError } from '../errors.ts';
import { HttpError } from '../http-error.ts';
import { type Enqueue, recognisedOf } from '../recognize/recognition.ts';
import { type Arrived, type Batch, doneAnswer, failedAnswer, failureOf } from './batch.ts';
import { type PhotoAnswer, type Recognition, recognitionOf } from './schemas.ts';

export interface DeferredParts {
  readonly recognitions: Omit<Recognitions, 'amend'>;
  readonly enqueue: Enqueue;
  /** A photo without a result after this time has failed with `too-slow`. */
  readonly lateMs: number;
}

/**
 * Resolves when every photo is stored or has failed. The record is written first, so that the photos can
 * be found by their id even if this node stops in between.
 * @throws {HttpError} 503 if the record or every photo could not be stored
 */
export async function sendLater(
  { id, ask, photos, span, outcomes }: Batch,
  holder: string | undefined,
  { recognitions, enqueue }: DeferredParts,
): Promise<Recognition> {
  const write = async (arrived: readonly Arrived[]): Promise<RecognitionRecord> => {
    const record = {
      ...(holder === undefined ? {} : { holder }),
      photos: arrived.map(recorded),
    };
    await recognitions.write(id, record).catch((cause: unknown) => {
      throw httpError.notStored(cause);
    });
    return record;
  };
  const first = await write(photos);
  const sent = await Promise.all(
    photos.map(async (photo) => {
      const { checked } = photo;
      if (checked instanceof Error) return photo;
      try {
        await enqueue(checked, { id: photo.id, ask, span });
        return photo;
      } catch (error) {
        return { ...photo, checked: toHttpError(error) };
      }
    }),
  );
  const isAsBefore = sent.every((photo, index) => photo === photos[index]);
  const record = isAsBefore ? first : await write(sent);
  const refusals = sent.map(({ checked }) => (checked instanceof HttpError ? checked : undefined));
  // The others are counted when their reply is stored.
  outcomes.push(...refusals.flatMap((refusal) => refusal?.code ?? []));
  const failure = failureOf(refusals);
  if (failure) throw failure;
  return recognitionFrom(id, record, [], undefined);
}

export interface DeferredNow {
  readonly recognition: Recognition;
  /** ms until its pending photos count as too late. */
  readonly lateInMs: number;
}

/**
 * The current state of a recognition.
 * @throws {HttpError} 404 if there is none with this id, or it belongs to another key; 503 without Redis
 */
export async function findDeferred(
  id: string,
  holder: string | undefined,
  { recognitions, lateMs }: Omit<DeferredParts, 'enqueue'>,
): Promise<DeferredNow> {
  const unreadable = (cause: unknown): never => {
    throw httpError.resultsUnreadable(cause);
  };
  const found = await recognitions.find(id).catch(unreadable);
  if (found === undefined || found.record.holder !== holder) throw httpError.unknownId();
  const { record, ageMs } = found;
  const replies = await recognitions.replies(record.photos.map((one) => one.id)).catch(unreadable);
  const lateInMs = Math.max(0, lateMs - ageMs);
  const tooLate = lateInMs > 0 ? undefined : httpError.tooSlow(lateMs / 1000);
  return { recognition: recognitionFrom(id, record, replies, tooLate), lateInMs };
}

function recorded({ id, file, checked }: Arrived): RecognitionRecord['photos'][number] {
  if (!(checked instanceof Error)) return { id, file, digest: photoDigest(checked.bytes) };
  const { status, code, message } = checked;
  return { id, file, refused: { status, code, message } };
}

function recognitionFrom(
  id: string,
  record: RecognitionRecord,
  replies: readonly (ReplyMessage | undefined)[],
  tooLate: HttpError | undefined,
): Recognition {
  const answers = record.photos.map(({ refused, digest: _, ...photo }, index): PhotoAnswer => {
    if (refused !== undefined) {
      return failedAnswer(photo, new HttpError(refused.status, refused.code, refused.message));
    }
    const reply = replies[index];
    if (reply !== undefined) return answerFrom(photo, reply);
    if (tooLate) return failedAnswer(photo, tooLate);
    return { ...photo, status: 'pending' };
  });
  return recognitionOf(id, answers);
}

function answerFrom(photo: Pick<Arrived, 'id' | 'file'>, reply: ReplyMessage): PhotoAnswer {
  try {
    return doneAnswer(photo, recognisedOf(reply));
  } catch (error) {
    if (error instanceof HttpError) return failedAnswer(photo, error);
    throw error;
  }
}
