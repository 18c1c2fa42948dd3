import assert from 'node:assert/strict';
import { it } from 'node:test';
import { cloudNames, instanceName, instanceNumber, stemOf } from './names.ts';

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

it('the stem is the file name without its last extension', () => {
  assert.deepEqual(['test_00.jpg', 'a.b.jpeg', 'plain'].map(stemOf), ['test_00', 'a.b', 'plain']);
});
