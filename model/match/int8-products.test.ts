/** The products in WebAssembly are those of whole numbers, exactly, for every row. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openInt8Products, ROW_LENGTH } from './int8-products.ts';
import { noise } from './vectors.fixture.ts';

for (const count of [1, 2, 1023, 1024, 1025, 2100]) {
  test(`${count} rows have the products of plain arithmetic`, () => {
    const kept = openInt8Products(count)!;
    const values = noise(count);
    for (let at = 0; at < kept.rows.length; at++)
      kept.rows[at] = Math.round(127 * values.next().value!);
    for (let at = 0; at < ROW_LENGTH; at++)
      kept.vector[at] = Math.round(32767 * values.next().value!);
    kept.multiply();
    const expected = Array.from({ length: count }, (_, row) =>
      kept.vector.reduce((sum, value, at) => sum + value * kept.rows[row * ROW_LENGTH + at]!, 0),
    );
    assert.deepEqual([...kept.products], expected);
  });
}

test('the largest values of either sign do not overflow', () => {
  const kept = openInt8Products(2)!;
  kept.vector.fill(-32767);
  kept.rows.fill(127, 0, ROW_LENGTH).fill(-127, ROW_LENGTH);
  kept.multiply();
  const most = ROW_LENGTH * 127 * 32767;
  assert.deepEqual([...kept.products], [-most, most]);
});

test('what 32-bit addresses do not reach is refused', () => {
  assert.equal(openInt8Products(2 ** 23 + 1), undefined);
});
