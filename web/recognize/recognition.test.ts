import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpError } from '../http-error.ts';
import { recognisedOf } from './recognition.ts';

const refused = (permanent: { permanent?: true }): HttpError => {
  const refusal = { reason: 'failed' as const, message: 'Why.', ...permanent };
  const reply = { id: crypto.randomUUID(), file: 'a.jpg', node: 'n', outcome: { refusal } };
  try {
    recognisedOf(reply);
  } catch (error) {
    if (error instanceof HttpError) return error;
    throw error;
  }
  return assert.fail('it was recognised');
};

test('a photo that failed may be sent again, one that can never be answered may not', () => {
  const passing = refused({});
  assert.deepEqual([passing.status, passing.code, passing.retryAfter], [503, 'failed', 1]);
  const permanent = refused({ permanent: true });
  assert.deepEqual(
    [permanent.status, permanent.code, permanent.retryAfter],
    [500, 'unanswerable', undefined],
  );
});
