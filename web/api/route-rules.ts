/** What a route accepts: its options and its methods. Anything else is refused by name, never ignored. */
import type { NextFunction, Request, RequestHandler } from 'express';
import { z } from 'zod';
import { issueWords } from '../../runtime/issue-words.ts';
import { httpError } from '../errors.ts';

const LIST = new Intl.ListFormat('en-GB');

/** @throws {HttpError} 400 that names the option and its rule */
export function readOptions<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  given: unknown,
): z.output<z.ZodObject<Shape>> {
  const parsed = schema.safeParse(given, { error: issueWords });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue?.code === 'unrecognized_keys') {
    throw httpError.unknownOption(issue.keys[0] ?? '', LIST.format(Object.keys(schema.shape)));
  }
  throw httpError.badOption(String(issue?.path[0]), issue?.message ?? 'is wrong');
}

/** The fields of a form that are options. Web pages put other fields into their forms. */
export function fieldsOf(
  schema: z.ZodObject,
  fields: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const known = Object.entries(fields).filter(([name]) => Object.hasOwn(schema.shape, name));
  return Object.fromEntries(known);
}

const noneSchema = z.strictObject({});

/** For a route that has no options. */
export function noOptions<P>({ query }: Request<P>, _response: unknown, next: NextFunction): void {
  readOptions(noneSchema, query);
  next();
}

/**
 * For the last route of a path: answers OPTIONS, and refuses methods that the path does not have.
 * @param methods of the path, separated by commas
 */
export function allowMethods(methods: string): RequestHandler {
  const known = new Set(methods.split(', '));
  return (request, response, next) => {
    if (known.has(request.method)) return next();
    response.set('Allow', `${methods}, OPTIONS`);
    if (request.method !== 'OPTIONS') throw httpError.method(request.method, methods);
    response.status(204).end();
  };
}
