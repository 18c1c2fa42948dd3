import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import test, { after, before } from 'node:test';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import {
  CreateQueueCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  TagQueueCommand,
} from '@aws-sdk/client-sqs';
import { until } from '../test/condition.fixture.ts';
import { quiet, REGION, startTestCloud, temporaryFolder } from './cloud.fixture.ts';
import { startLocalCloud } from './cloud.ts';

const folder = temporaryFolder();
let { cloud, clients, stop } = await startTestCloud(folder.path);
after(async () => {
  await stop();
  folder.remove();
});

before(async () => {
  for (const QueueName of ['polls', 'kept']) {
    await clients.sqs.send(new CreateQueueCommand({ QueueName }));
  }
  await clients.s3.send(new CreateBucketCommand({ Bucket: 'photos' }));
});

test('a service that is not here is refused by name, to signed and unsigned clients', async () => {
  const signed = await fetch(cloud.url, {
    method: 'POST',
    headers: {
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIA/20261124/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=00',
      'content-type': 'application/x-amz-json-1.0',
    },
    body: '{}',
  });
  assert.equal(signed.status, 400);
  assert.match(await signed.text(), /not the service dynamodb/);
  const form = await fetch(cloud.url, {
    method: 'POST',
    body: new URLSearchParams({ Action: 'ListUsers', Version: '2010-05-08' }),
  });
  assert.equal(form.status, 400);
  assert.match(await form.text(), /UnknownService/);
});

test('the account of the credentials is answered', async () => {
  const answer = await fetch(cloud.url, {
    method: 'POST',
    body: new URLSearchParams({ Action: 'GetCallerIdentity', Version: '2011-06-15' }),
  });
  assert.match(await answer.text(), /<Account>000000000000<\/Account>/);
});

test('a form too large for any action is refused', async () => {
  const answer = await fetch(cloud.url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `Action=${'x'.repeat(2 * 1024 * 1024)}`,
  });
  assert.equal(answer.status, 413);
  await answer.text();
});

test('a port in use is said with the setting that changes it', async () => {
  const other = temporaryFolder();
  await assert.rejects(
    startLocalCloud({
      port: Number(new URL(cloud.url).port),
      dataDir: other.path,
      region: REGION,
      log: quiet,
      launcher: () => () => Promise.reject(new Error('no')),
    }),
    /LOCAL_CLOUD_PORT/,
  );
  // And the folder is free again.
  const next = await startTestCloud(other.path);
  await next.stop();
  other.remove();
});

test('a second cloud on one folder is refused, naming the process that has it', async () => {
  await assert.rejects(startTestCloud(folder.path), (error: Error) => {
    assert.match(error.message, new RegExp(`process ${process.pid}\\b`));
    assert.match(error.message, /LOCAL_DATA_DIR/);
    return true;
  });
});

test('stopping answers an open long poll; messages and objects are there after, on another port', async () => {
  await clients.s3.send(
    new PutObjectCommand({
      Bucket: 'photos',
      Key: 'ä b+c.jpg',
      Body: 'bytes',
      Metadata: { request: 'r1' },
    }),
  );
  await clients.sqs.send(new SendMessageCommand({ QueueUrl: 'kept', MessageBody: 'later' }));
  await clients.sqs.send(new SendMessageCommand({ QueueUrl: 'kept', MessageBody: 'in flight' }));
  await clients.sqs.send(new ReceiveMessageCommand({ QueueUrl: 'kept', VisibilityTimeout: 0 }));
  // A scaler tags the request queue every few seconds.
  await clients.sqs.send(new TagQueueCommand({ QueueUrl: 'kept', Tags: { leader: 'one' } }));
  const poll = clients.sqs.send(
    new ReceiveMessageCommand({ QueueUrl: 'polls', WaitTimeSeconds: 20 }),
  );
  await clients.sqs.send(new GetQueueUrlCommand({ QueueName: 'polls' }));
  const began = performance.now();
  const before = cloud.url;
  const stopped = cloud.stop();
  assert.equal((await poll).Messages, undefined);
  await stopped;
  assert.ok(performance.now() - began < 5000, 'the poll was not waited for');
  clients.destroy();

  ({ cloud, clients, stop } = await startTestCloud(folder.path));
  assert.notEqual(cloud.url, before);
  const bodies = new Set<string | undefined>();
  await until('both messages', async () => {
    const { Messages = [] } = await clients.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: 'kept', MaxNumberOfMessages: 10 }),
    );
    for (const { Body } of Messages) bodies.add(Body);
    return bodies.size === 2;
  });
  const { QueueUrl } = await clients.sqs.send(new CreateQueueCommand({ QueueName: 'kept' }));
  assert.equal(QueueUrl, `${cloud.url}/000000000000/kept`);
  const object = await clients.s3.send(
    new GetObjectCommand({ Bucket: 'photos', Key: 'ä b+c.jpg' }),
  );
  assert.equal(await object.Body?.transformToString(), 'bytes');
  assert.equal(object.Metadata?.request, 'r1');
});

test('it listens on this machine alone', async (t) => {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const outside = addresses.find(({ internal, family }) => !internal && family === 'IPv4');
  if (outside === undefined) return t.skip('this machine has no other address than loopback');
  const own = temporaryFolder();
  const outsider = await startTestCloud(own.path);
  const socket = connect(Number(new URL(outsider.cloud.url).port), outside.address);
  await assert.rejects(once(socket, 'connect'), { code: 'ECONNREFUSED' });
  await outsider.stop();
  own.remove();
});
