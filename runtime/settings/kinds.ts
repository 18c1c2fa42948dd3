/**
 * Kinds of values that settings have, each with the sentence that a wrong one is answered with.
 * Knows no setting by name.
 */
import { z } from 'zod';

export const whole = (low: number, high: number) =>
  z.coerce
    .number<string | number>({ error: `must be a whole number from ${low} to ${high}` })
    .int({ error: `must be a whole number from ${low} to ${high}` })
    .min(low, { error: `must be at least ${low}` })
    .max(high, { error: `must be at most ${high}` });

export const seconds = (low: number, high: number) =>
  z.coerce
    .number<string | number>({ error: `must be a number of seconds from ${low} to ${high}` })
    .min(low, { error: `must be at least ${low} seconds` })
    .max(high, { error: `must be at most ${high} seconds` });

export const megabytes = (low: number, high: number) =>
  z.coerce
    .number<string | number>({ error: `must be a number of megabytes from ${low} to ${high}` })
    .min(low, { error: `must be at least ${low} megabytes` })
    .max(high, { error: `must be at most ${high} megabytes` });

/** Every URL may hold a user and a password. */
export const endpoint = secret(
  z.url({
    protocol: /^https?$/,
    error: 'must be an http:// or https:// address, e.g. http://127.0.0.1:4566',
  }),
);

/** A number of seconds, or two with a dash: each time another one between them. */
export const secondsOrRange = z
  .string()
  .regex(/^\d{1,5}(?:\.\d+)?(?:-\d{1,5}(?:\.\d+)?)?$/, {
    error: 'must be a number of seconds or two, e.g. 20 or 15-40',
  })
  .refine((text) => Number(text.split('-')[0]) <= Number(text.split('-').at(-1)), {
    error: 'must name the smaller number first, e.g. 15-40',
  })
  .optional();
export const SHARE = String.raw`(?:0?\.\d+|0|1(?:\.0+)?)`;
export const ACTION = String.raw`(?:[A-Z][A-Za-z]+|\*)`;
export const listOf = (entry: string): RegExp => new RegExp(`^${entry}(?:,${entry})*$`);
export const INSTANCE_TYPE = String.raw`[a-z0-9-]+\.[a-z0-9-]+`;

/** Query parameters of a Redis address that are no secrets; ioredis takes any of its options there. */
const REDIS_PARAMETERS = ['db', 'family'];

export const redisAddress = secret(
  z
    .url({ protocol: /^rediss?$/, error: 'must be a redis:// or rediss:// address' })
    .refine((url) => !URL.canParse(url) || hasOnly(new URL(url).searchParams, REDIS_PARAMETERS), {
      error: `may have no query parameters but ${REDIS_PARAMETERS.join(' and ')}: write redis://USER:PASSWORD@HOST:PORT`,
    }),
);

function hasOnly(parameters: URLSearchParams, names: readonly string[]): boolean {
  return [...parameters.keys()].every((name) => names.includes(name));
}

/** Marks a setting whose value may hold a secret: no error and no listing shows it. */
export function secret<T extends z.ZodType>(schema: T): T {
  return schema.meta({ secret: true });
}

/** Whether a setting, or what it wraps, is marked as a secret. */
export function isSecret(schema: z.ZodType): boolean {
  if (schema.meta()?.secret === true) return true;
  const { innerType } = schema.def as { innerType?: z.ZodType };
  return innerType !== undefined && isSecret(innerType);
}

/** A URL or something with a user in it, or 16 characters or more of letters and digits, as keys have. */
const LOOKS_SECRET = /:\/\/|\/\/|@|(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Za-z])[\w+/=-]{16,}/;

/**
 * A value that a setting cannot have, for its error. What looks like a secret is not shown even where none
 * belongs: it may stand in the wrong setting.
 */
export function shownValue(schema: z.ZodType, value: unknown): string {
  return isSecret(schema) || LOOKS_SECRET.test(String(value))
    ? 'its value is not shown'
    : `got ${JSON.stringify(value)}`;
}
