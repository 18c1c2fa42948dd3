/** Parts that the requests of many EC2 actions share, as schemas over the parsed form. */
import { z } from 'zod';

/** An absent list and an empty one are the same on the wire. */
export const list = <T extends z.ZodType>(item: T) => z.array(item).max(1000).default([]);
export const flag = z
  .enum(['true', 'false', 'True', 'False'])
  .transform((text) => /^t/i.test(text));
export const count = (low: number, high: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, { error: 'it must be a whole number' })
    .transform(Number)
    .pipe(z.number().min(low).max(high));

export const filters = list(
  z.strictObject({ Name: z.string().min(1), Value: z.array(z.string()).min(1).max(200) }),
);

export const paging = { MaxResults: count(5, 1000).optional(), NextToken: z.string().optional() };
export const dryRun = { DryRun: flag.default(false) };

/** XML 1.0 has no way to write most control characters, so that no answer could carry them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
export const WRITABLE = /^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]*$/;
export const tag = z.strictObject({
  Key: z
    .string()
    .min(1)
    .max(127, { error: 'tag keys have at most 127 characters' })
    .regex(WRITABLE, { error: 'it holds control characters' })
    .refine((key) => !/^aws:/i.test(key), { error: 'tag keys starting with aws: are reserved' }),
  Value: z
    .string()
    .max(255, { error: 'tag values have at most 255 characters' })
    .regex(WRITABLE, { error: 'it holds control characters' })
    .default(''),
});
export const tags = list(tag).refine(
  (all) => new Set(all.map(({ Key }) => Key)).size === all.length,
  {
    error: 'a tag key is given twice',
  },
);

export const onInstances = z.strictObject({
  ...dryRun,
  InstanceId: z.array(z.string()).min(1).max(1000),
});
