/**
 * Forgets people: out of the gallery at once, then out of everything that was kept, and a signed receipt. A job
 * in the bucket remembers each until its receipt is done, so that any node can finish it.
 */
import { randomUUID } from 'node:crypto';
import type { Receipt } from '../../../people/api.ts';
import type { GalleryIndex, PersonRecord } from '../../../people/records.ts';
import type { ErasureReport, GalleryStore } from '../../../people/store.ts';
import type { Logger } from '../../../runtime/log.ts';
import { peopleError } from '../errors.ts';
import {
  galleryFailure,
  isExpired,
  type LiveGallery,
  nobody,
  personOf,
} from '../gallery/gallery.ts';
import type { ForgetJob, Receipts } from './receipts.ts';
import type { Traces } from './traces.ts';

/** Time a DELETE waits for its receipt to be done. */
const WAIT_MS = 5000;
const ABANDONED_MS = 60_000;

export interface ForgetParts {
  readonly gallery: LiveGallery;
  readonly store: Pick<GalleryStore, 'erase' | 'expired'>;
  readonly receipts: Receipts;
  readonly traces: Traces;
  /** A job of this age is not in its node's hands any more. */
  readonly abandonedMs?: number;
  readonly onForgotten?: (reason: ForgetJob['reason']) => void;
  readonly log: Logger;
}

export interface Forget {
  /**
   * Resolves with the receipt, done or pending; with that of before for somebody who is forgotten already.
   * @param answers whether results in the out-bucket that name the person are deleted too
   * @throws {HttpError} 404
   */
  person(id: string, answers: boolean): Promise<Receipt>;
  /** Forgets everybody whose time is over. @returns their number */
  expired(): Promise<number>;
  /** Finishes jobs that a node has left behind. */
  resume(): Promise<void>;
  /** Resolves when no job runs on this node. */
  settled(): Promise<void>;
}

export function openForget(parts: ForgetParts): Forget {
  const { gallery, store, receipts, log } = parts;
  const running = new Map<string, Promise<Receipt>>();

  const run = (job: ForgetJob): Promise<Receipt> => {
    const known = running.get(job.id);
    if (known) return known;
    const done = complete(job, parts).finally(() => running.delete(job.id));
    done.catch((err: unknown) => {
      log.error({ err, receipt: job.id }, 'Not forgotten everywhere yet; it is tried again');
    });
    running.set(job.id, done);
    return done;
  };

  const begin = async (
    of: (index: GalleryIndex) => PersonRecord,
    { reason, answers }: Pick<ForgetJob, 'reason' | 'answers'>,
  ): Promise<{ pending: Receipt; done: Promise<Receipt> }> => {
    const requested = new Date().toISOString();
    const id = randomUUID();
    let job = jobOf(await gallery.now(), of, { id, reason, answers, requested });
    // Before the change: whatever happens after it, somebody knows what is to be erased.
    await receipts.writeJob(job).catch(galleryFailure);
    try {
      const version = await gallery.change((index) => {
        job = jobOf(index, of, { id, reason, answers, requested });
        return { kind: 'remove', ids: [job.person], words: 'forget 1 person' };
      });
      job = { ...job, gallery: version };
    } catch (error) {
      await receipts.endJob(id).catch(() => {});
      throw error;
    }
    await receipts.writeJob(job).catch(galleryFailure);
    const pending = await receipts.write(receiptOf(job, 'pending')).catch(galleryFailure);
    return { pending, done: run(job) };
  };

  return {
    async person(person, answers) {
      const index = await gallery.now();
      if (!index.people.has(person)) {
        const before = await receipts.findOf(person).catch(galleryFailure);
        if (before) return before;
        throw nobody(index);
      }
      const of = (latest: GalleryIndex): PersonRecord => personOf(latest, person);
      const { pending, done } = await begin(of, { reason: 'request', answers });
      const late = Promise.withResolvers<Receipt>();
      const timer = setTimeout(() => late.resolve(pending), WAIT_MS);
      return Promise.race([done.catch(() => pending), late.promise]).finally(() =>
        clearTimeout(timer),
      );
    },
    async expired() {
      const people = await store.expired();
      for (const { id } of people) {
        const of = (latest: GalleryIndex): PersonRecord => {
          const record = latest.people.get(id);
          if (record === undefined || !isExpired(record)) throw peopleError.unknownPerson();
          return record;
        };
        const { done } = await begin(of, { reason: 'expiry', answers: true });
        await done;
      }
      return people.length;
    },
    async resume() {
      for (const job of await receipts.jobsOlderThan(parts.abandonedMs ?? ABANDONED_MS)) {
        if (!running.has(job.id)) await run(job).catch(() => {});
      }
    },
    async settled() {
      await Promise.allSettled([...running.values()]);
    },
  };
}

function jobOf(
  index: GalleryIndex,
  of: (index: GalleryIndex) => PersonRecord,
  job: Pick<ForgetJob, 'id' | 'reason' | 'answers' | 'requested'>,
): ForgetJob {
  const { id: person, name, former } = of(index);
  const faces = index.facesOf(person).map((face) => face.id);
  return {
    ...job,
    person,
    ids: [...faces, ...(former?.ids ?? [])],
    names: [name, ...(former?.names ?? [])],
    gallery: index.version,
  };
}

async function complete(job: ForgetJob, parts: ForgetParts): Promise<Receipt> {
  const { gallery, store, receipts, traces } = parts;
  const ids = [job.person, ...job.ids];
  const report = await store.erase(ids, 'erase 1 person');
  await gallery.announce(report.version);
  const removed = [...erased(report), ...(await traces.erase(ids, job))];
  const receipt = {
    ...receiptOf(job, 'done'),
    completed: new Date().toISOString(),
    removed: removed.filter(({ count }) => count > 0),
    unreachable: await traces.unreachable(ids, job),
  };
  // A job that ran before counts nothing a second time: its receipt says what was erased first.
  const done = await receipts.write(receipt);
  await receipts.endJob(job.id);
  parts.onForgotten?.(job.reason);
  return done;
}

function receiptOf(
  { id, person, requested, reason, gallery }: ForgetJob,
  status: Receipt['status'],
): Omit<Receipt, 'key' | 'signature'> {
  return { id, person, requested, reason, status, gallery, removed: [], unreachable: [] };
}

function erased(report: ErasureReport): Receipt['removed'] {
  return [
    { what: 'people', count: report.people },
    { what: 'faces', count: report.faces },
    { what: 'gallery segments', count: report.segments },
    { what: 'earlier gallery versions (rewritten without the person)', count: report.versions },
    { what: 'kept photos', count: report.photos },
  ];
}
