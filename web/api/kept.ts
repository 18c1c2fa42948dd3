/** The photos of one request whose client asks for the answers later, perhaps another web node. */
import type { ReplyMessage } from '../../cloud/contract/messages.ts';
import type { RecognitionRecord, Recognitions } from '../../cloud/redis/recognitions.ts';
import { httpError, toHttpError } from '../errors.ts';
import { HttpError } from '../http-error.ts';
import { type Enqueue, recognisedOf } from '../recognize/recognition.ts';
import { type Arrived, type Batch, doneAnswer, failedAnswer, failureOf } from './batch.ts';
import { type PhotoAnswer, type Recognition, recognitionOf } from './schemas.ts';

export interface KeptParts {
  readonly recognitions: Recognitions;
  readonly enqueue: Enqueue;
  /** A photo that has no answer after so long is told to be too late. */
  readonly lateMs: number;
}

/**
 * Resolves when every photo is stored or has failed. The record is written first: should this node die
 * in between, what it sent is found by whoever knows the id.
 * @throws {HttpError} 503 when it cannot be written down, or no photo of it could be stored
 */
export async function sendLater(
  { id, ask, photos, span, outcomes }: Batch,
  holder: string | undefined,
  { recognitions, enqueue }: KeptParts,
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
  // The others are counted when their reply is kept.
  outcomes.push(...refusals.flatMap((refusal) => refusal?.code ?? []));
  const failure = failureOf(refusals);
  if (failure) throw failure;
  return told(id, record, [], undefined);
}

export interface KeptNow {
  readonly recognition: Recognition;
  /** ms until its photos that are still pending count as too late. */
  readonly lateInMs: number;
}

/**
 * What is known of a recognition by now.
 * @throws {HttpError} 404 when there is none of this id, or it is another holder's; 503 without Redis
 */
export async function findKept(
  id: string,
  holder: string | undefined,
  { recognitions, lateMs }: Omit<KeptParts, 'enqueue'>,
): Promise<KeptNow> {
  const unreadable = (cause: unknown): never => {
    throw httpError.resultsUnreadable(cause);
  };
  const found = await recognitions.find(id).catch(unreadable);
  if (found === undefined || found.record.holder !== holder) throw httpError.unknownId();
  const { record, ageMs } = found;
  const replies = await recognitions.replies(record.photos.map((one) => one.id)).catch(unreadable);
  const lateInMs = Math.max(0, lateMs - ageMs);
  const tooLate = lateInMs > 0 ? undefined : httpError.tooSlow(lateMs / 1000);
  return { recognition: told(id, record, replies, tooLate), lateInMs };
}

function recorded({ id, file, checked }: Arrived): RecognitionRecord['photos'][number] {
  if (!(checked instanceof Error)) return { id, file };
  const { status, code, message } = checked;
  return { id, file, refused: { status, code, message } };
}

function told(
  id: string,
  record: RecognitionRecord,
  replies: readonly (ReplyMessage | undefined)[],
  tooLate: HttpError | undefined,
): Recognition {
  const answers = record.photos.map(({ refused, ...photo }, index): PhotoAnswer => {
    if (refused !== undefined) {
      return failedAnswer(photo, new HttpError(refused.status, refused.code, refused.message));
    }
    const reply = replies[index];
    if (reply !== undefined) return answered(photo, reply);
    if (tooLate) return failedAnswer(photo, tooLate);
    return { ...photo, status: 'pending' };
  });
  return recognitionOf(id, answers);
}

function answered(photo: Pick<Arrived, 'id' | 'file'>, reply: ReplyMessage): PhotoAnswer {
  try {
    return doneAnswer(photo, recognisedOf(reply));
  } catch (error) {
    if (error instanceof HttpError) return failedAnswer(photo, error);
    throw error;
  }
}
