/**
 * The embedded S3's lifecycle: deletes objects as the enabled rules of their bucket say. Of the rules it
 * knows Expiration in days, with a prefix; S3's other filters and actions are passed over.
 */
import { XMLParser } from 'fast-xml-parser';
import { z } from 'zod';

const DAY_MS = 86_400_000;

export interface ObjectStore {
  readonly bucketLifecycleConfigurations: ReadonlyMap<string, string>;
  readonly buckets: ReadonlyMap<string, ReadonlyMap<string, { readonly lastModified: Date }>>;
  deleteObject(bucket: string, key: string): void;
}

const rule = z.object({
  Status: z.literal('Enabled'),
  Expiration: z.object({ Days: z.coerce.number().int().min(1) }),
  Filter: z
    .union([z.object({ Prefix: z.string().default('') }).strict(), z.literal('')])
    .optional(),
  Prefix: z.string().optional(),
});
const parser = new XMLParser({ parseTagValue: false, isArray: (name) => name === 'Rule' });

/**
 * When S3 deletes an object: this many days after it came, rounded up to the next midnight UTC.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
 */
export function expiresAt(lastModified: Date, days: number): number {
  return Math.ceil((lastModified.getTime() + days * DAY_MS) / DAY_MS) * DAY_MS;
}

/** @returns how many objects were deleted */
export function deleteExpired(store: ObjectStore, now: number): number {
  let deleted = 0;
  for (const [bucket, xml] of store.bucketLifecycleConfigurations) {
    const rules = rulesOf(xml);
    for (const [key, { lastModified }] of [...(store.buckets.get(bucket) ?? [])]) {
      const isOver = rules.some(
        ({ prefix, days }) => key.startsWith(prefix) && expiresAt(lastModified, days) <= now,
      );
      if (!isOver) continue;
      store.deleteObject(bucket, key);
      deleted += 1;
    }
  }
  return deleted;
}

/** The rules that are understood wholly: whatever else a rule may ask for, it deletes nothing. */
function rulesOf(xml: string): { prefix: string; days: number }[] {
  const parsed = z
    .object({ LifecycleConfiguration: z.object({ Rule: z.array(z.unknown()) }) })
    .safeParse(parser.parse(xml));
  if (!parsed.success) return [];
  return parsed.data.LifecycleConfiguration.Rule.flatMap((one) => {
    const { success, data } = rule.safeParse(one);
    if (!success) return [];
    const filter = typeof data.Filter === 'object' ? data.Filter.Prefix : '';
    return [{ prefix: filter || (data.Prefix ?? ''), days: data.Expiration.Days }];
  });
}
