/** Errors on the wire as problem details (RFC 9457), and the text that explains each type. */
import { z } from 'zod';
import { ERROR_TYPES, type ErrorType } from '../error-types.ts';
import type { HttpError } from '../http-error.ts';

/** Has no members beyond those of RFC 9457. */
export const problemSchema = z.object({
  type: z.string().describe('where to read about this type of problem: /problems/<code>'),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string().describe('what is wrong with this request, in one sentence'),
  instance: z.string().optional().describe('urn:uuid:<request id>'),
});
export type Problem = z.output<typeof problemSchema>;

/** A kept answer may have a code that only another version of the web tier knows. */
function typeOf(code: string): ErrorType | undefined {
  return Object.hasOwn(ERROR_TYPES, code)
    ? ERROR_TYPES[code as keyof typeof ERROR_TYPES]
    : undefined;
}

export function problemOf({ code, status, message }: HttpError, requestId?: string): Problem {
  return {
    type: `/problems/${code}`,
    title: typeOf(code)?.title ?? code,
    status,
    detail: message,
    ...(requestId === undefined ? {} : { instance: `urn:uuid:${requestId}` }),
  };
}

/** The text at `/problems/<code>`; undefined if there is no such type. */
export function problemText(code: string): string | undefined {
  const type = typeOf(code);
  return type && `${type.title}. ${type.help}\n`;
}
