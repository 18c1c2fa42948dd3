/** The products in WebAssembly are those of whole numbers, exactly, for every row. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openInt8Products } from './int8-products.ts';
import { noise } from './vectors.fixture.ts';

const LENGTH = 512;

for (const [count, length] of [
  [1, 512],
  [2, 512],
  [1023, 512],
  [1024, 512],
  [1025, 512],
  [2100, 512],
  [1, 8],
  [1025, 128],
] as const) {
  test(`${count} rows of ${length} have the products of plain arithmetic`, () => {
    const kept = openInt8Products(count, length)!;
    const values = noise(count);
    for (let at = 0; at < kept.rows.length; at++)
      kept.rows[at] = Math.round(127 * values.next().value!);
    for (let at = 0; at < length; at++) kept.vector[at] = Math.round(32767 * values.next().value!);
    kept.multiply();
    const expected = Array.from({ length: count }, (_, row) =>
      kept.vector.reduce((sum, value, at) => sum + value * kept.rows[row * length + at]!, 0),
    );
    assert.deepEqual([...kept.products], expected);
  });
}

test('the largest values of either sign do not overflow', () => {
  const kept = openInt8Products(2, LENGTH)!;
  kept.vector.fill(-32767);
  kept.rows.fill(127, 0, LENGTH).fill(-127, LENGTH);
  kept.multiply();
  const most = LENGTH * 127 * 32767;
  assert.deepEqual([...kept.products], [-most, most]);
});

test('what 32-bit addresses do not reach is refused', () => {
  assert.equal(openInt8Products(2 ** 23 + 1, LENGTH), undefined);
});

test('rows that are not whole vectors, or too long to be summed exactly, are refused', () => {
  assert.equal(openInt8Products(2, 124), undefined);
  assert.equal(openInt8Products(2, 1024), undefined);
});
