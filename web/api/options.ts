/** Options of a request: one that its route does not know is refused by its name, never passed over. */
import type { NextFunction, Request } from 'express';
import { z } from 'zod';
import { httpError } from '../errors.ts';

/** @throws {HttpError} 400 that names the option and its rule */
export function readOptions<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  given: unknown,
): z.output<z.ZodObject<Shape>> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue?.code === 'unrecognized_keys') {
    throw httpError.unknownOption(issue.keys[0] ?? '', Object.keys(schema.shape).join(' and '));
  }
  throw httpError.badOption(String(issue?.path[0]), issue?.message ?? 'is wrong');
}

/** The fields of a form that are options; what else a page puts into its form is none. */
export function fieldsOf(
  schema: z.ZodObject,
  fields: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const known = Object.entries(fields).filter(([name]) => Object.hasOwn(schema.shape, name));
  return Object.fromEntries(known);
}

const none = z.strictObject({});

/** For a route that has no options. */
export function noOptions<P>({ query }: Request<P>, _response: unknown, next: NextFunction): void {
  readOptions(none, query);
  next();
}
