/** Parses what a client sent by a schema: the first thing that is wrong is refused by name. */
import { z } from 'zod';
import { issueWords } from '../../../runtime/issue-words.ts';
import { peopleError } from '../errors.ts';

/** @throws {HttpError} 400 that names the field and its rule */
export function readFields<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  given: unknown,
): z.output<z.ZodObject<Shape>> {
  const parsed = schema.safeParse(given, { error: issueWords });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue?.code === 'unrecognized_keys') {
    throw peopleError.unknownField(issue.keys[0] ?? '', Object.keys(schema.shape));
  }
  const field = issue?.path.join('.') ?? '';
  if (field === '') throw peopleError.noField('The body must be one JSON object.');
  throw peopleError.badField(field, issue?.message ?? 'is wrong');
}

/** `true` or `false` in a form, where every value is text. */
export const flag = z
  .enum(['true', 'false'], { error: 'must be true or false' })
  .transform((text) => text === 'true')
  .pipe(z.boolean());

/** A JSON object in a field of a form. */
export const jsonText = z.string({ error: 'must be JSON' }).transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'must be JSON' });
    return z.NEVER;
  }
});
