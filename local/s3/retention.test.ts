import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import {
  CreateBucketCommand,
  GetBucketLifecycleConfigurationCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { setRetention } from '../../cloud/aws/s3/retention.ts';
import { until } from '../../test/condition.fixture.ts';
import { startTestCloud, temporaryFolder } from '../cloud.fixture.ts';
import { expiresAt } from './retention.ts';

const DAY_MS = 86_400_000;
const folder = temporaryFolder();
let now = Date.now();
const { clients, stop } = await startTestCloud(folder.path, { now: () => now, sweepMs: 20 });
const { s3 } = clients;
after(async () => {
  await stop();
  folder.remove();
});

async function keys(bucket: string): Promise<string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
  return Contents.map(({ Key }) => Key ?? '');
}

test('objects of a bucket with a retention vanish when it is over, others stay', async () => {
  for (const Bucket of ['kept-for-days', 'kept-for-ever']) {
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'a.jpg', Body: 'x' }));
  }
  await setRetention(s3, 'kept-for-days', 3);
  await setRetention(s3, 'kept-for-ever', 0);
  now += 2 * DAY_MS;
  await s3.send(new PutObjectCommand({ Bucket: 'kept-for-days', Key: 'b.jpg', Body: 'x' }));
  assert.deepEqual(await keys('kept-for-days'), ['a.jpg', 'b.jpg']);
  now += 2 * DAY_MS;
  await until('the expired to be gone', async () => (await keys('kept-for-days')).length < 2);
  assert.deepEqual(await keys('kept-for-ever'), ['a.jpg']);
});

test('setting a retention leaves other rules alone, and 0 takes only its own away', async () => {
  const Bucket = 'with-rules';
  await s3.send(new CreateBucketCommand({ Bucket }));
  const days = async () => {
    const answer = await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
    return answer.Rules?.map(({ Expiration }) => Expiration?.Days);
  };
  await setRetention(s3, Bucket, 7);
  assert.deepEqual(await days(), [7]);
  await setRetention(s3, Bucket, 30);
  assert.deepEqual(await days(), [30]);
  await setRetention(s3, Bucket, 0);
  await assert.rejects(days(), { name: 'NoSuchLifecycleConfiguration' });
  await setRetention(s3, Bucket, 0);
});

test('an object expires at the midnight after its days, as S3 says', () => {
  const at = (text: string) => new Date(text);
  assert.equal(expiresAt(at('2026-01-15T10:30:00Z'), 3), at('2026-01-19T00:00:00Z').getTime());
  assert.equal(expiresAt(at('2026-01-15T00:00:00Z'), 1), at('2026-01-16T00:00:00Z').getTime());
});
