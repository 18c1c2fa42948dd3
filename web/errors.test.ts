import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { ERROR_TYPES } from './error-types.ts';
import { httpError, toHttpError } from './errors.ts';
import type { HttpError } from './http-error.ts';
import { peopleError } from './people/errors.ts';

describe('the catalogue of errors', () => {
  const all = [...Object.values(httpError), ...Object.values(peopleError)];
  const made = (all as unknown as ((...given: unknown[]) => HttpError)[]).map((make) =>
    make('x', ['y']),
  );

  it('has a use for every type, and a type for every error', () => {
    const used = new Set(made.map(({ code }) => code));
    assert.deepEqual([...used].sort(), Object.keys(ERROR_TYPES).sort());
  });

  it('has a short title and a sentence of advice for every type', () => {
    for (const [code, { title, help }] of Object.entries(ERROR_TYPES)) {
      assert.match(title, /^[A-Z][^.]{3,30}$/, code);
      assert.match(help, /^[A-Z].*\.$/, code);
    }
  });

  it('says nothing about an error that was not expected', () => {
    const { status, code, message } = toHttpError(new Error('secret'));
    assert.deepEqual([status, code], [500, 'internal']);
    assert.doesNotMatch(message, /secret/);
  });

  it('is docs/errors.md', async () => {
    const page = await readFile(new URL('../docs/errors.md', import.meta.url), 'utf8');
    const table = [
      '| status | code | title | what to do |',
      '| --- | --- | --- | --- |',
      ...Object.entries(ERROR_TYPES).map(
        ([code, { status, title, help }]) => `| ${status} | \`${code}\` | ${title} | ${help} |`,
      ),
    ].join('\n');
    assert.ok(page.includes(table), `docs/errors.md should have:\n${table}`);
  });
});
