import assert from 'node:assert/strict';
import { it } from 'node:test';
import { z } from 'zod';
import { issueWords } from './issue-words.ts';

const wordsOf = (schema: z.ZodType, value: unknown): string | undefined =>
  schema.safeParse(value, { error: issueWords }).error?.issues[0]?.message;

it('each refusal of a schema says what to send, in none of the words of the library', () => {
  const utc = 'must be a date and time in UTC, such as 2027-12-31T00:00:00Z';
  const cases: [z.ZodType, unknown, string][] = [
    [z.string(), undefined, 'is missing'],
    [z.literal(true), undefined, 'is missing'],
    [z.string(), null, 'must be text, not null'],
    [z.string(), ['a', 'b'], 'must be one text: send it once'],
    [z.string().max(500), 'x'.repeat(501), 'must be at most 500 characters long'],
    [z.string().min(1), '', 'must not be empty'],
    [z.record(z.string(), z.unknown()), [1], 'must be a JSON object'],
    [z.int(), '4', 'must be a number: send it without quotes'],
    [z.int(), 'four', 'must be a number'],
    [z.int(), 1.5, 'must be a whole number'],
    [z.int().min(1), 0, 'must be at least 1'],
    [z.int().max(100), 101, 'must be at most 100'],
    [z.array(z.number()).max(2), [1, 2, 3], 'must have at most 2 entries'],
    [z.literal(true), false, 'must be true'],
    [z.boolean(), 'yes', 'must be true or false'],
    [z.iso.datetime(), 'tomorrow', utc],
    [z.iso.datetime(), '2027-12-31', utc],
    [z.iso.datetime(), '2027-12-31T00:00:00+01:00', utc],
    [z.base64(), 'abc', 'must be base64'],
    [z.strictObject({}), { colour: 1 }, 'has the unknown field "colour": remove it'],
    [z.string({ error: 'must be a colour' }), 1, 'must be a colour'],
  ];
  for (const [schema, value, words] of cases) assert.equal(wordsOf(schema, value), words);
});
