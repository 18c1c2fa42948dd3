/** A column of ids is read as its ids are read one by one. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { ID_BYTES, readId, readIds, writeId } from './ids.ts';

test('all ids of a column are those that were written, one after the other', () => {
  for (const count of [0, 1, 2, 100]) {
    const bytes = randomBytes(count * ID_BYTES);
    const ids = readIds(bytes);
    assert.deepEqual(
      ids,
      Array.from({ length: count }, (_, index) => readId(bytes, index)),
    );
    const written = Buffer.alloc(bytes.length);
    for (const [index, id] of ids.entries()) writeId(id, written, index);
    assert.deepEqual(written, bytes);
  }
});
