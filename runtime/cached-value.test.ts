import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cached } from './cached-value.ts';

describe('a cached reading', () => {
  it('is one call for all who ask at once or soon after, and another later', async () => {
    let calls = 0;
    let now = 0;
    const read = cached(
      async () => ++calls,
      1000,
      () => now,
    );
    assert.deepEqual(await Promise.all([read(), read()]), [1, 1]);
    now = 999;
    assert.equal(await read(), 1);
    now = 1000;
    assert.equal(await read(), 2);
  });

  it('that failed is undefined, and is tried again by the next who asks', async () => {
    let isAway = true;
    const read = cached(async () => {
      if (isAway) throw new Error('away');
      return 'here';
    }, 1000);
    assert.equal(await read(), undefined);
    isAway = false;
    assert.equal(await read(), 'here');
  });
});
