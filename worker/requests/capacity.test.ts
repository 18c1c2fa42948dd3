import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { capacity, nextServiceMs, receivable } from './capacity.ts';

it('a worker that has measured nothing yet takes two', () => {
  assert.equal(receivable(0, undefined), 2);
  assert.equal(receivable(1, undefined), 1);
  assert.equal(receivable(2, undefined), 0);
});

it('a fast worker takes ten, a slow one two, and one in between what it can do in a second', () => {
  assert.equal(capacity(40), 10);
  assert.equal(capacity(200), 5);
  assert.equal(capacity(3000), 2);
});

it('it asks when half of its capacity is free, and then for all that is', () => {
  assert.deepEqual(
    [10, 6, 5, 0].map((inHand) => receivable(inHand, 40)),
    [0, 0, 5, 10],
  );
});

it('whatever it measured, never more than ten are in hand and an empty hand always asks', () => {
  const measured = fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: undefined });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10 }), measured, (inHand, serviceMs) => {
      const room = receivable(inHand, serviceMs);
      assert.ok(Number.isInteger(room) && room >= 0);
      assert.ok(room === 0 || inHand + room <= 10);
      if (inHand === 0) assert.ok(room >= 2);
    }),
  );
});

it('the measured time starts at the first photo and follows a change', () => {
  let ms = nextServiceMs(undefined, 50);
  assert.equal(ms, 50);
  for (let photo = 0; photo < 10; photo++) ms = nextServiceMs(ms, 500);
  assert.ok(ms > 400 && ms < 500);
});
