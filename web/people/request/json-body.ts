/** Reads a JSON body of limited size, and parses it by a schema. */
import express, { type Request, type Response } from 'express';
import type { z } from 'zod';
import { httpError } from '../../errors.ts';
import type { HttpError } from '../../http-error.ts';
import { peopleError } from '../errors.ts';
import { readFields } from './fields.ts';

const MOST_KB = 64;
const JSON_TYPE = 'application/json';

const parse = express.json({ limit: MOST_KB * 1024, inflate: false, type: JSON_TYPE });

/** @throws {HttpError} 400, 413 or 415 that says what is wrong with the body */
export async function readJson<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  request: Request,
  response: Response,
): Promise<z.output<z.ZodObject<Shape>>> {
  if (!request.is(JSON_TYPE)) {
    throw peopleError.notJson(request.get('Content-Type') ?? '', JSON_TYPE);
  }
  if (expectsContinue(request)) response.writeContinue();
  await new Promise<void>((resolve, reject) => {
    parse(request, response, (error?: unknown) => (error ? reject(bodyError(error)) : resolve()));
  });
  return readFields(schema, request.body);
}

/** HTTP/1.0 has no interim responses (RFC 9110, 10.1.1). */
export function expectsContinue({ headers, httpVersion }: Request): boolean {
  return httpVersion !== '1.0' && headers.expect !== undefined;
}

/** body-parser's errors have a `type`. */
function bodyError(error: unknown): HttpError {
  const { type, status } = error as { type?: unknown; status?: unknown };
  if (type === 'entity.too.large') return peopleError.bodyTooLarge(MOST_KB);
  if (type === 'encoding.unsupported') return httpError.encoded('Content-Encoding', 'gzip');
  return status === 415 ? peopleError.notJson('', JSON_TYPE) : peopleError.badBody(error);
}
