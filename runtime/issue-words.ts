/** What is wrong with a value that a schema refuses, in words that say what to send. */
import type { z } from 'zod';

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'a JSON object',
  record: 'a JSON object',
};

const FORMATS: Readonly<Record<string, string>> = {
  datetime: 'must be a date and time in UTC, such as 2027-12-31T00:00:00Z',
  base64: 'must be base64',
  base64url: 'must be base64url',
  uuid: 'must be an id, such as 3f2b8c1e-0d4a-4b6f-9a57-1c2d3e4f5a6b',
};

/**
 * An error map for `safeParse`: continues a sentence after the name of a field. A schema's own messages win over it.
 */
export function issueWords(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return typeWords(issue.expected, issue.input);
    case 'too_big':
      return sizeWords('at most', issue.maximum, issue.origin);
    case 'too_small':
      if (issue.origin === 'string' && issue.minimum === 1) return 'must not be empty';
      return sizeWords('at least', issue.minimum, issue.origin);
    case 'invalid_format':
      return FORMATS[issue.format] ?? 'does not have the form that is documented';
    case 'invalid_value':
      if (issue.input === undefined) return 'is missing';
      return `must be ${issue.values.map(String).join(' or ')}`;
    case 'unrecognized_keys':
      return `has the unknown field "${issue.keys[0]}": remove it`;
    default:
      return issue.input === undefined
        ? 'is missing'
        : 'is not as documented: see /docs for its form';
  }
}

function typeWords(expected: string, input: unknown): string {
  if (input === undefined) return 'is missing';
  const wanted = KINDS[expected] ?? expected;
  if (expected === 'string' && Array.isArray(input)) return 'must be one text: send it once';
  if (
    typeof input === 'string' &&
    !Number.isNaN(Number(input)) &&
    /^(number|int)$/.test(expected)
  ) {
    return `must be ${wanted}: send it without quotes`;
  }
  return `must be ${wanted}${input === null ? ', not null' : ''}`;
}

function sizeWords(bound: string, limit: number | bigint, origin: string): string {
  if (origin === 'string') return `must be ${bound} ${limit} characters long`;
  if (origin === 'array') return `must have ${bound} ${limit} entries`;
  return `must be ${bound} ${limit}`;
}
