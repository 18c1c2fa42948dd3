import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cloudNames } from '../../cloud/contract/names.ts';
import { Tally } from '../tally.ts';
import { type Check, checkFlow, checkState, type FlowRecord } from './checks.ts';
import type { Observation } from './observe.ts';

const names = cloudNames('p');
const none = { visible: 0, inFlight: 0, delayed: 0 };
const atRest: Observation = {
  at: 0,
  web: { running: 1 },
  app: {},
  requests: none,
  replies: none,
  inKeys: [],
  outKeys: [],
};

const failed = (checks: readonly Check[]) =>
  checks.filter(({ passed }) => !passed).map(({ name, sentence }) => `${name}: ${sentence}`);

test('a system at rest passes', () => {
  assert.deepEqual(failed(checkState(atRest, names)), []);
});

test('a web instance that is only stopped does not pass, and the sentence says what was found', () => {
  assert.deepEqual(failed(checkState({ ...atRest, web: { stopped: 1 } }, names)), [
    'web tier: no instance named web-instance is running (found: 1 stopped)',
  ]);
});

test('what does not exist fails under its own name', () => {
  const gone = { requests: undefined, replies: undefined, inKeys: undefined, outKeys: undefined };
  assert.deepEqual(failed(checkState({ ...atRest, ...gone }, names)), [
    'in-bucket: p-in-bucket does not exist',
    'out-bucket: p-out-bucket does not exist',
    'request queue: p-req-queue does not exist',
    'response queue: p-resp-queue does not exist',
  ]);
});

for (const state of ['visible', 'inFlight', 'delayed'] as const) {
  test(`a queue with a message ${state} is not empty`, () => {
    const seen = { ...atRest, replies: { ...none, [state]: 1 } };
    assert.match(failed(checkState(seen, names)).join(), /^response queue: p-resp-queue is not/);
  });
}

test('expected numbers are compared; pending instances count', () => {
  const seen = { ...atRest, app: { running: 1, pending: 1 }, inKeys: ['a.jpg'], outKeys: ['a'] };
  assert.deepEqual(failed(checkState(seen, names, { objects: 1, fleet: 2 })), []);
  assert.deepEqual(failed(checkState(seen, names, { objects: 2, fleet: 0 })), [
    'app tier: 1 running, 1 pending, where 0 were expected',
    'in-bucket: p-in-bucket holds 1 object(s), where 2 were expected',
    'out-bucket: p-out-bucket holds 1 object(s), where 2 were expected',
  ]);
});

const limits = { maxInstances: 3, settleSeconds: 60 };
const image = { path: '/a.jpg', name: 'a.jpg', stem: 'a' };

function flow(changes: Partial<FlowRecord> = {}): FlowRecord {
  const tally = new Tally(1, true);
  tally.answered(image, 5, { verdict: 'correct' });
  return {
    before: atRest,
    after: { ...atRest, inKeys: ['a.jpg'], outKeys: ['a'] },
    peakRunning: 3,
    peakFleet: 3,
    summary: tally.summary(),
    files: ['a.jpg'],
    restedAfterMs: 12_000,
    ...changes,
  };
}

test('from zero to the largest fleet and back to zero passes', () => {
  assert.deepEqual(failed(checkFlow(flow(), limits)), []);
});

test('each way a run can go wrong fails one check', () => {
  const wrong = new Tally(1, true);
  wrong.answered(image, 5, { verdict: 'wrong', why: 'expected Paul, got Emily' });
  for (const [changes, sentence] of [
    [{ before: { ...atRest, app: { pending: 1 } } }, /^starts at zero: .*0 running, 1 pending/],
    [{ peakRunning: 0 }, /^scales out: no app-tier instance was ever seen running/],
    [{ peakFleet: 4 }, /^stays in bounds: at most 4 running or pending; 3 are allowed/],
    [{ summary: wrong.summary() }, /^answers: 1 of 1 answered, 0 right, 1 wrong, 0 failed/],
    [{ restedAfterMs: undefined }, /^scales in: 60 s after the last answer still/],
    [{ after: { ...atRest, inKeys: [], outKeys: ['a'] } }, /^photos kept: .*1 missing \(a\.jpg\)/],
    [{ after: { ...atRest, inKeys: ['a.jpg'], outKeys: ['a', 'b'] } }, /^results kept: .*\(b\)/],
  ] as const) {
    const sentences = failed(checkFlow(flow(changes), limits));
    assert.equal(sentences.length, 1, sentences.join('\n'));
    assert.match(sentences[0]!, sentence);
  }
});

test('objects that were there before the run are no strangers', () => {
  const before = { ...atRest, inKeys: ['old.jpg'], outKeys: ['old'] };
  const after = { ...atRest, inKeys: ['a.jpg', 'old.jpg'], outKeys: ['a', 'old'] };
  assert.deepEqual(failed(checkFlow(flow({ before, after }), limits)), []);
});
