import assert from 'node:assert/strict';
import { it } from 'node:test';
import { faultOfChange, faultOfFound, faultOfLeft, type Subject } from './people-ledger.ts';

const subject = (more: Partial<Subject> = {}): Subject => ({
  id: 'a',
  base: 'Ada',
  embedding: new Float32Array(),
  done: [
    { counter: 0, isForgotten: false, version: 2 },
    { counter: 1, isForgotten: false, version: 5 },
  ],
  sent: { counter: 2, isForgotten: false },
  ...more,
});

it('versions that are answered only grow', () => {
  assert.equal(faultOfChange(subject(), 6), undefined);
  assert.match(faultOfChange(subject(), 5) ?? '', /after version 5/);
});

it('an answer is right for its version, or for a change whose first answer was lost', () => {
  const found = (gallery: number, name: string, of = subject()) =>
    faultOfFound({ subject: of, gallery, id: 'a', name });
  assert.equal(found(3, 'Ada 0'), undefined);
  assert.equal(found(4, 'Ada 1'), undefined);
  assert.equal(found(9, 'Ada 2'), undefined);
  assert.match(found(9, 'Ada 0') ?? '', /Ada 1 was the last/);
  assert.match(found(3, 'Ada 2') ?? '', /Ada 0 was the last/);
  assert.match(
    faultOfFound({ subject: subject(), gallery: 6, id: 'b', name: 'Bob 1' }) ?? '',
    /where Ada 1 was right/,
  );
});

it('somebody who was forgotten is in no later answer, and may be gone while it is asked for', () => {
  const done = [...subject().done, { counter: 2, isForgotten: true, version: 8 }];
  const gone = subject({ done, sent: { counter: 2, isForgotten: true } });
  assert.match(
    faultOfFound({ subject: gone, gallery: 8, id: 'a', name: 'Ada 1' }) ?? '',
    /had been forgotten/,
  );
  assert.equal(faultOfFound({ subject: gone, gallery: 8, id: 'b', name: 'Bob 0' }), undefined);
  assert.equal(faultOfFound({ subject: gone, gallery: 7, id: 'b', name: 'Bob 0' }), undefined);
  assert.equal(faultOfFound({ subject: gone, gallery: 7, id: 'a', name: 'Ada 1' }), undefined);
  assert.match(faultOfLeft(gone, { name: 'Ada 1', counter: 1, faces: 1 }) ?? '', /is there/);
  assert.equal(faultOfLeft(gone, undefined), undefined);
});

it('a lost change and half a change are found in the end', () => {
  const left = (name: string, counter: number, faces = 1) =>
    faultOfLeft(subject(), { name, counter, faces });
  assert.equal(left('Ada 1', 1), undefined);
  assert.equal(left('Ada 2', 2), undefined);
  assert.match(left('Ada 0', 0) ?? '', /change 1 is lost/);
  assert.match(left('Ada 2', 1) ?? '', /half a change/);
  assert.match(left('Ada 1', 1, 2) ?? '', /half a change/);
  assert.match(faultOfLeft(subject(), undefined) ?? '', /is lost/);
});
