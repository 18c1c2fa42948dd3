import assert from 'node:assert/strict';
import { it, mock } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { AnswerGroups } from './answer-groups.ts';

const NOW = 1_000_000;

interface Tried {
  /** What was written and sent, in order. */
  readonly done: string[];
  /** One answer, whose request came `agedMs` ago. */
  answer(name: string, agedMs: number, write?: () => Promise<void>): Promise<void>;
}

function tried(inHand: number): Tried {
  const groups = new AnswerGroups(
    () => inHand,
    () => NOW,
  );
  const done: string[] = [];
  return {
    done,
    answer: (name, agedMs, write = async () => {}) =>
      groups.around(
        NOW - agedMs,
        async () => {
          done.push(`write ${name}`);
          await write();
        },
        async (waitMs) => void done.push(`send ${name}, ${waitMs === 0 ? 'now' : 'soon'}`),
      ),
  };
}

it('an answer is held for a small share of the time that its client has waited', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    for (const [agedMs, heldMs] of [
      [1000, 50],
      [60_000, 250],
    ] as const) {
      const { answer, done } = tried(5);
      const answered = answer('a', agedMs);
      mock.timers.tick(heldMs - 1);
      await turn();
      assert.deepEqual(done, []);
      mock.timers.tick(1);
      await answered;
      assert.deepEqual(done, ['write a', 'send a, now']);
    }
  } finally {
    mock.timers.reset();
  }
});

it('an answer whose client has not waited is written at once', async () => {
  const { answer, done } = tried(5);
  const answers = [answer('a', 100), answer('b', -5000)]; // b's web node has a clock that is ahead.
  await turn();
  assert.deepEqual(done.slice(0, 2), ['write a', 'write b']);
  await Promise.all(answers);
});

it('an answer after which no other comes is written at once, and takes along those that are held', async () => {
  const alone = tried(1);
  await alone.answer('a', 5000);
  assert.deepEqual(alone.done, ['write a', 'send a, now']);
  const { answer, done } = tried(2);
  const first = answer('a', 5000);
  await turn();
  assert.deepEqual(done, []);
  await Promise.all([first, answer('b', 5000, () => turn())]);
  assert.deepEqual(done, ['write a', 'write b', 'send a, soon', 'send b, now']);
});

it('no reply is sent before its own answer is written, nor waits for one that cannot be written', async () => {
  const { answer, done } = tried(2);
  const written = Promise.withResolvers<void>();
  const lost = answer('a', 5000, () => Promise.reject(new Error('S3 is away')));
  const other = answer('b', 5000, () => written.promise);
  await assert.rejects(lost, /S3 is away/);
  assert.deepEqual(done, ['write a', 'write b']);
  written.resolve();
  await other;
  assert.deepEqual(done.slice(2), ['send b, now']);
});
