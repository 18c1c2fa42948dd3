/** Large objects are read one after the other, and for clients that still wait. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get } from 'node:http';
import test, { after } from 'node:test';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { outcome, startTestBucket } from '../s3.fixture.ts';

const { s3, bucket: Bucket, url, stop } = await startTestBucket();
after(stop);

const Key = 'segment';
const content = randomBytes(8 * 2 ** 20);
await s3.send(new PutObjectCommand({ Bucket, Key, Body: content }));

async function bytes(Range?: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, Range }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

test('several clients get all of it, or the part that they ask for, while others leave', async () => {
  const leaving = Array.from({ length: 4 }, () =>
    get(`${url}/${Bucket}/${Key}`).on('error', () => {}),
  );
  await Promise.all(leaving.map((request) => once(request, 'socket')));
  const reads = [bytes(), bytes('bytes=5000000-'), bytes(), bytes('bytes=-7')];
  for (const request of leaving) request.destroy();
  const found = await Promise.all(reads);
  const parts = [content, content.subarray(5_000_000), content, content.subarray(-7)];
  for (const [at, part] of parts.entries()) assert.ok(part.equals(found[at]!), `read ${at}`);
});

test('one that is deleted before its turn is not there', async () => {
  const reads = Array.from({ length: 3 }, () => outcome(bytes()));
  await s3.send(new DeleteObjectCommand({ Bucket, Key }));
  for (const read of await Promise.all(reads)) assert.match(read, /^(?:ok|NoSuchKey 404)$/);
  assert.equal(await outcome(bytes()), 'NoSuchKey 404');
});
