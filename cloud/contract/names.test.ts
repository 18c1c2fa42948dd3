import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  cloudNames,
  instanceName,
  instanceNumber,
  NUMBERS_TAG,
  numberByTags,
  stemOf,
  writeNumbers,
} from './names.ts';

it('every name of a project starts with its id, as course tools expect', () => {
  const names = cloudNames('1225316800');
  assert.equal(names.requestQueue, '1225316800-req-queue');
  assert.equal(names.replyQueue, '1225316800-resp-queue');
  assert.equal(names.inBucket, '1225316800-in-bucket');
  assert.equal(names.outBucket, '1225316800-out-bucket');
});

it('an instance’s number can be read back from its name, and from no other name', () => {
  assert.equal(instanceNumber(instanceName(17)), 17);
  for (const name of ['web-instance', 'app-tier-instance-0', 'app-tier-instance-1x', undefined]) {
    assert.equal(instanceNumber(name), undefined);
  }
});

it('of those launched together, each has the number of its place until its Name says it', () => {
  const numbers = [1, 2, 3, 7, 9, 10];
  assert.equal(writeNumbers(numbers), '1-3,7,9-10');
  const by = (tags: Record<string, string>, index: number) =>
    numberByTags((key) => tags[key], index);
  const tags = { [NUMBERS_TAG]: writeNumbers(numbers) };
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6].map((index) => by(tags, index)),
    [...numbers, undefined],
  );
  assert.equal(by({ ...tags, Name: 'app-tier-instance-12' }, 0), 12);
  assert.equal(by({ [NUMBERS_TAG]: 'x-3' }, 0), undefined);
  assert.equal(by({}, 0), undefined);
});

it('the stem is the file name without its last extension', () => {
  assert.deepEqual(['test_00.jpg', 'a.b.jpeg', 'plain'].map(stemOf), ['test_00', 'a.b', 'plain']);
});
