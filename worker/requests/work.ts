/**
 * One work of the people API: its inputs from the people bucket, and its result beside them. To be repeated
 * safely, like a photo; embeddings are in that bucket and nowhere else.
 */
import type { Photos } from '../../cloud/aws/s3/objects.ts';
import type { StoredObjects } from '../../cloud/aws/s3/stored-objects.ts';
import { photoDigest } from '../../cloud/contract/messages.ts';
import { type PeopleWork, workKeys } from '../../cloud/contract/people-work.ts';
import { HoldLost, NeverAnswered } from '../errors.ts';
import type { Inference } from '../inference/inference.ts';
import type { Answered, Delivery } from './delivery.ts';

export type WorkObjects = Pick<StoredObjects, 'get' | 'put' | 'exists' | 'delete'>;

export interface WorkParts {
  readonly photos: Pick<Photos, 'get'>;
  readonly works: WorkObjects;
  readonly perform: Inference['perform'];
  readonly catchUp: (version: number | undefined) => Promise<void>;
  readonly mostDeliveries: number;
}

const DONE = { work: 'done' } as const;

/** Everything but the reply. @throws whatever failed for a temporary reason */
export async function answerWork(
  work: PeopleWork,
  delivery: Delivery,
  parts: WorkParts,
): Promise<Answered> {
  const { works } = parts;
  const result = workKeys.result(work.id);
  if (delivery.deliveries > 1 && (await works.exists(result))) return sentAgain();
  if (delivery.deliveries > parts.mostDeliveries) throw new NeverAnswered(parts.mostDeliveries);
  const start = performance.now();
  const [inputs] = await Promise.all([inputsOf(work, parts), parts.catchUp(work.gallery)]);
  const fetched = performance.now();
  if (inputs === undefined) {
    // SQS may deliver one message twice at once: the other worker may have been faster.
    if (await works.exists(result)) return sentAgain();
    const message = 'What this request works on is not in the bucket any more: send it again.';
    return { outcome: { refusal: { reason: 'missing', message } }, again: false, timings: {} };
  }
  const done = await parts.perform({ people: work, inputs });
  const computed = performance.now();
  if (delivery.isLost) throw new HoldLost();
  await works.put(result, done.result, 'application/json');
  await forgetUnwanted(work, works);
  return {
    outcome: DONE,
    again: false,
    timings: {
      fetch: fetched - start,
      wait: computed - fetched - done.computeMs,
      ...done.timings,
      compute: done.computeMs,
      write: performance.now() - computed,
    },
  };
}

function sentAgain(): Answered {
  return { outcome: DONE, again: true, timings: {} };
}

/** Undefined where one of them is gone. */
async function inputsOf(
  { id, work, photos, kept }: PeopleWork,
  parts: Pick<WorkParts, 'photos' | 'works'>,
): Promise<Uint8Array[] | undefined> {
  const keys =
    work === 'search'
      ? [workKeys.embedding(id)]
      : Array.from({ length: photos }, (_, index) => workKeys.photo(id, index));
  const inputs = await Promise.all([
    ...keys.map((key) => parts.works.get(key)),
    ...(kept === undefined ? [] : [keptPhoto(kept, parts)]),
  ]);
  return inputs.every((bytes) => bytes !== undefined) ? inputs : undefined;
}

/** Of a recognition: other bytes under its key are another upload. */
async function keptPhoto(
  { key, digest }: NonNullable<PeopleWork['kept']>,
  { photos }: Pick<WorkParts, 'photos'>,
): Promise<Uint8Array | undefined> {
  const bytes = await photos.get(key);
  return bytes && photoDigest(bytes) === digest ? bytes : undefined;
}

/** The web tier deletes the inputs when its client has left: then nobody would delete the result. */
async function forgetUnwanted(
  { id, work, photos }: PeopleWork,
  works: Pick<WorkObjects, 'exists' | 'delete'>,
): Promise<void> {
  const input = work === 'search' ? workKeys.embedding(id) : workKeys.photo(id, 0);
  if ((work !== 'search' && photos === 0) || (await works.exists(input))) return;
  await works.delete([workKeys.result(id)]);
}
