import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ReplyWait } from './reply-wait.ts';

const NOW = 1_000_000;

/** How long a reply may wait. */
function waitOf(inHand: number, agedMs: number): Promise<number> {
  const wait = new ReplyWait(
    () => inHand,
    () => NOW,
  );
  return wait.around(NOW - agedMs, async (ms) => ms);
}

it('a reply waits for a small share of the time that its client has waited', async () => {
  assert.equal(await waitOf(5, 1000), 50);
  assert.equal(await waitOf(5, 60_000), 250);
});

it('a reply whose client has not waited goes at once', async () => {
  assert.equal(await waitOf(5, 100), 0);
  assert.equal(await waitOf(5, -5000), 0); // The web node's clock is ahead.
});

it('a reply after which no other comes goes at once, and takes along those that wait', async () => {
  assert.equal(await waitOf(1, 5000), 0);
  const sent = Promise.withResolvers<void>();
  const asked: number[] = [];
  const wait = new ReplyWait(
    () => 2,
    () => NOW,
  );
  const each = [1, 2].map(() =>
    wait.around(NOW - 5000, (ms) => {
      asked.push(ms);
      return sent.promise;
    }),
  );
  assert.deepEqual(asked, [250, 0]);
  sent.resolve();
  await Promise.all(each);
});
