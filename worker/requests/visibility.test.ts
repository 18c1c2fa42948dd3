import assert from 'node:assert/strict';
import { it } from 'node:test';
import { retryDelaySeconds } from './visibility.ts';

it('each further delivery waits longer, up to a minute', () => {
  const delays = [1, 2, 3, 4, 5, 6, 900].map((deliveries) => retryDelaySeconds(deliveries, 1000));
  assert.deepEqual(delays, [2, 6, 18, 54, 60, 60, 60]);
});

it('after the last delivery there is nothing to wait for', () => {
  assert.equal(retryDelaySeconds(5, 5), 0);
  assert.equal(retryDelaySeconds(6, 5), 0);
  assert.equal(retryDelaySeconds(1, 1), 0);
});
