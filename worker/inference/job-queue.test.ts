import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { JobQueue } from './job-queue.ts';

/** A queue with one photo in work, and why its process was ended. */
function inWork(t: TestContext, startMs?: number): string[] {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const ended: string[] = [];
  const queue = new JobQueue({ send: () => {}, kill: (why) => ended.push(why) });
  void queue.add({ bytes: new Uint8Array(), ask: {} });
  queue.open(1, startMs);
  return ended;
}

describe('the limit of a photo', () => {
  it('is a minute, after which its process is ended', (t) => {
    const ended = inWork(t, 5000);
    t.mock.timers.tick(59_999);
    assert.deepEqual(ended, []);
    t.mock.timers.tick(1);
    assert.deepEqual(ended, ['it took longer than 60 s']);
  });

  it('is longer on a machine whose process took long to be ready, where a photo takes long too', (t) => {
    const ended = inWork(t, 61_000);
    t.mock.timers.tick(182_999);
    assert.deepEqual(ended, []);
    t.mock.timers.tick(1);
    assert.deepEqual(ended, ['it took longer than 183 s']);
  });
});
