/** What a person leaves outside the gallery, and its erasure. */
import { setTimeout as delay } from 'node:timers/promises';
import type { StoredObjects } from '../../../cloud/aws/s3/stored-objects.ts';
import type { Pressure } from '../../../cloud/redis/pressure.ts';
import type { Receipt } from '../../../people/api.ts';
import { baseSchema, peopleKeys } from '../../../people/head.ts';
import { isBaseId } from '../../../people/segments/ids.ts';
import { type Mentions, mentionsOf } from './mentions.ts';
import type { ForgetJob } from './receipts.ts';

const LOOK_MS = 250;

export interface TraceParts {
  /** Of the people bucket. */
  readonly objects: StoredObjects;
  readonly pressure: Pick<Pressure, 'read'>;
  /** How long a request may take, in ms. */
  readonly requestMs: number;
  /** Of kept answers. */
  readonly eraseAnswers: (mentions: Mentions) => Promise<number>;
  readonly eraseDeadLetters: (mentions: Mentions) => Promise<number>;
  /** Of the out-bucket. */
  readonly eraseResults: (names: readonly string[], mentions: Mentions) => Promise<number>;
  /** Days after which the buckets delete photos and results; 0 is never. */
  readonly retentionDays: number;
}

export interface Traces {
  erase(ids: readonly string[], job: ForgetJob): Promise<Receipt['removed']>;
  unreachable(ids: readonly string[], job: ForgetJob): Promise<Receipt['unreachable']>;
}

export function openTraces(parts: TraceParts): Traces {
  const { objects, pressure, requestMs } = parts;

  /** Requests that began before the person was forgotten may still be answered with the name. */
  const requestsBefore = async (since: number): Promise<void> => {
    while (Date.now() - since < requestMs) {
      const { count, oldestMs = 0 } = await pressure.read();
      if (count === 0 || oldestMs < Date.now() - since) return;
      await delay(LOOK_MS);
    }
  };
  return {
    async erase(ids, { names, answers }) {
      const since = Date.now();
      const mentions = mentionsOf(ids, names);
      const photos = await Promise.all(ids.map((id) => objects.deleteUnder(`people/${id}/`)));
      const early = await parts.eraseAnswers(mentions);
      await requestsBefore(since);
      const late = await parts.eraseAnswers(mentions);
      return [
        { what: 'kept photos', count: photos.reduce((sum, count) => sum + count, 0) },
        { what: 'kept answers', count: early + late },
        { what: 'dead letters', count: await parts.eraseDeadLetters(mentions) },
        { what: 'work in progress', count: await eraseWork(objects, since) },
        {
          what: 'results in the out-bucket',
          count: answers ? await parts.eraseResults(names, mentions) : 0,
        },
      ];
    },
    async unreachable(ids, { answers }) {
      return [
        ...(await bakedModel(ids, objects)),
        ...(answers
          ? []
          : [
              { what: 'results in the out-bucket', why: untilRetention(parts.retentionDays, true) },
            ]),
        { what: 'photos that clients sent', why: untilRetention(parts.retentionDays, false) },
      ];
    },
  };
}

/** Inputs and results of requests from before: those that are still there were left behind. */
async function eraseWork(objects: StoredObjects, before: number): Promise<number> {
  let count = 0;
  for await (const page of objects.pages('work/')) {
    const old = page.filter(({ modified }) => modified < before).map(({ key }) => key);
    await objects.delete(old);
    count += old.length;
  }
  return count;
}

async function bakedModel(
  ids: readonly string[],
  objects: Pick<StoredObjects, 'get'>,
): Promise<Receipt['unreachable']> {
  if (!ids.some(isBaseId)) return [];
  const bytes = await objects.get(peopleKeys.base);
  const base = bytes && baseSchema.safeParse(JSON.parse(Buffer.from(bytes).toString())).data;
  return [
    {
      what: 'the model folder or machine image that was built with this person',
      ...(base === undefined ? {} : { digest: base.digest }),
      why: 'Build it again without the person, and replace the instances that run it.',
    },
  ];
}

function untilRetention(days: number, isAsked: boolean): string {
  const kept =
    days > 0 ? `They are deleted ${days} days after they were written.` : 'They are kept.';
  return isAsked
    ? `${kept} Forget with answers=true to delete them.`
    : `${kept} Their names and contents do not say who is in them.`;
}
