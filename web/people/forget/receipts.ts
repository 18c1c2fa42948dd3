/** Receipts of what was forgotten, signed, and the jobs that lead to them. */
import { z } from 'zod';
import type { StoredObjects } from '../../../cloud/aws/s3/stored-objects.ts';
import { type Receipt, receiptSchema } from '../../../people/api.ts';
import type { SigningKey } from './signing-key.ts';

const JSON_TYPE = 'application/json';
const JOBS = 'forgetting/';
const receiptKey = (id: string): string => `receipts/${id}.json`;
/** Says which receipt a person has, for a DELETE that is sent again. */
const pointerKey = (person: string): string => `receipts/people/${person}.json`;
const jobKey = (id: string): string => `${JOBS}${id}.json`;

/**
 * Somebody who is being forgotten. It names the person, so that traces can be found, and is deleted when the
 * receipt is done.
 */
const jobSchema = z.object({
  /** Of the receipt. */
  id: z.uuid(),
  person: z.uuid(),
  /** Ids of the person's faces, and of people who were merged into it. */
  ids: z.array(z.uuid()),
  /** Names that answers may have given. */
  names: z.array(z.string()),
  reason: receiptSchema.shape.reason,
  /** Whether results in the out-bucket are deleted too. */
  answers: z.boolean(),
  requested: z.iso.datetime(),
  gallery: z.int(),
});
export type ForgetJob = z.output<typeof jobSchema>;

const pointerSchema = z.object({ receipt: z.uuid() });

export interface Receipts {
  /** Signs and writes it. */
  write(receipt: Omit<Receipt, 'key' | 'signature'>): Promise<Receipt>;
  find(id: string): Promise<Receipt | undefined>;
  findOf(person: string): Promise<Receipt | undefined>;
  writeJob(job: ForgetJob): Promise<void>;
  endJob(id: string): Promise<void>;
  /** Jobs written at least this many ms ago: their node has died, or failed. */
  jobsOlderThan(ms: number): Promise<ForgetJob[]>;
}

export function openReceipts(objects: StoredObjects, key: () => Promise<SigningKey>): Receipts {
  const read = async <T>(schema: z.ZodType<T>, at: string): Promise<T | undefined> => {
    const bytes = await objects.get(at);
    return bytes && schema.parse(JSON.parse(Buffer.from(bytes).toString()));
  };
  return {
    async write(receipt) {
      const signing = await key();
      const signed = { ...receipt, key: signing.id };
      const whole: Receipt = { ...signed, signature: signing.sign(signedText(signed)) };
      await objects.put(receiptKey(receipt.id), JSON.stringify(whole), JSON_TYPE);
      const pointer = JSON.stringify({ receipt: receipt.id });
      await objects.put(pointerKey(receipt.person), pointer, JSON_TYPE);
      return whole;
    },
    find: (id) => read(receiptSchema, receiptKey(id)),
    async findOf(person) {
      const pointer = await read(pointerSchema, pointerKey(person));
      return pointer && read(receiptSchema, receiptKey(pointer.receipt));
    },
    writeJob: (job) => objects.put(jobKey(job.id), JSON.stringify(job), JSON_TYPE),
    endJob: (id) => objects.delete([jobKey(id)]),
    async jobsOlderThan(ms) {
      const jobs: ForgetJob[] = [];
      for await (const page of objects.pages(JOBS)) {
        for (const { key: at, modified } of page) {
          if (Date.now() - modified < ms) continue;
          const job = await read(jobSchema, at);
          if (job) jobs.push(job);
        }
      }
      return jobs;
    },
  };
}

/** What is signed: the receipt without its signature as JSON, members in the order of their names (RFC 8785). */
export function signedText(receipt: Omit<Receipt, 'signature'>): string {
  return JSON.stringify(sorted(receipt));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}
