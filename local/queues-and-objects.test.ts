import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import test, { after, before, describe } from 'node:test';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { until } from '../test/condition.fixture.ts';
import { errorName, REGION, startTestCloud, temporaryFolder } from './cloud.fixture.ts';

const folder = temporaryFolder();
const { cloud, clients, stop } = await startTestCloud(folder.path);
after(async () => {
  await stop();
  folder.remove();
});

const depth = async (queue: string): Promise<string> => {
  const { Attributes } = await clients.sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: queue,
      AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
    }),
  );
  return `${Attributes?.ApproximateNumberOfMessages}+${Attributes?.ApproximateNumberOfMessagesNotVisible}`;
};

describe('queues', () => {
  before(async () => {
    await clients.sqs.send(new CreateQueueCommand({ QueueName: 'dead' }));
    const { Attributes } = await clients.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: 'dead', AttributeNames: ['QueueArn'] }),
    );
    for (const QueueName of ['q', 'polls', 'kept']) {
      await clients.sqs.send(new CreateQueueCommand({ QueueName }));
    }
    await clients.sqs.send(
      new CreateQueueCommand({
        QueueName: 'failing',
        Attributes: {
          RedrivePolicy: JSON.stringify({
            deadLetterTargetArn: Attributes?.QueueArn,
            maxReceiveCount: 2,
          }),
        },
      }),
    );
  });

  test('a bare name serves as QueueUrl, and batches go through', async () => {
    await clients.sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: 'q',
        Entries: ['a', 'b', 'c'].map((MessageBody, i) => ({ Id: `${i}`, MessageBody })),
      }),
    );
    assert.equal(await depth('q'), '3+0');
    const { Messages = [] } = await clients.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: 'q', MaxNumberOfMessages: 10 }),
    );
    assert.deepEqual(Messages.map(({ Body }) => Body).sort(), ['a', 'b', 'c']);
    assert.equal(await depth('q'), '0+3');
    await clients.sqs.send(
      new DeleteMessageBatchCommand({
        QueueUrl: 'q',
        Entries: Messages.map(({ ReceiptHandle }, i) => ({ Id: `${i}`, ReceiptHandle })),
      }),
    );
    assert.equal(await depth('q'), '0+0');
  });

  test('queue URLs lead back here, so that a client with no option of its own works', async () => {
    const client = new SQSClient({
      region: REGION,
      endpoint: cloud.url,
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    });
    const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: 'plain' }));
    assert.equal(QueueUrl, `${cloud.url}/000000000000/plain`);
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }));
    client.destroy();
    assert.equal(await depth('plain'), '1+0');
  });

  test('a long poll answers when a message comes, not when its time is over', async () => {
    const began = performance.now();
    const poll = clients.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: 'polls', WaitTimeSeconds: 20 }),
    );
    await clients.sqs.send(new SendMessageCommand({ QueueUrl: 'polls', MessageBody: 'now' }));
    const { Messages } = await poll;
    assert.equal(Messages?.[0]?.Body, 'now');
    assert.ok(performance.now() - began < 5000);
  });

  test('a long poll whose client has gone takes no message with it', async () => {
    await clients.sqs.send(new CreateQueueCommand({ QueueName: 'left' }));
    const body = JSON.stringify({ QueueUrl: 'left', WaitTimeSeconds: 20 });
    const socket = connect(Number(new URL(cloud.url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      `POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-amz-json-1.0\r\nx-amz-target: AmazonSQS.ReceiveMessage\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    // Once these later requests are answered, the poll before them is waiting.
    for (let i = 0; i < 5; i++) await depth('left');
    socket.destroy();
    await once(socket, 'close');
    await depth('left');
    await clients.sqs.send(new SendMessageCommand({ QueueUrl: 'left', MessageBody: 'm' }));
    await until('the message to be back', async () => (await depth('left')) === '1+0');
    const { Messages } = await clients.sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: 'left',
        MessageSystemAttributeNames: ['ApproximateReceiveCount'],
      }),
    );
    assert.equal(Messages?.[0]?.Attributes?.ApproximateReceiveCount, '1');
  });

  test('a message given back is there at once, and after too many deliveries among the dead', async () => {
    await clients.sqs.send(new SendMessageCommand({ QueueUrl: 'failing', MessageBody: 'bad' }));
    for (let delivery = 0; delivery < 2; delivery++) {
      const { Messages } = await clients.sqs.send(
        new ReceiveMessageCommand({ QueueUrl: 'failing' }),
      );
      assert.equal(Messages?.[0]?.Body, 'bad');
      await clients.sqs.send(
        new ChangeMessageVisibilityCommand({
          QueueUrl: 'failing',
          ReceiptHandle: Messages?.[0]?.ReceiptHandle,
          VisibilityTimeout: 0,
        }),
      );
    }
    const { Messages } = await clients.sqs.send(new ReceiveMessageCommand({ QueueUrl: 'failing' }));
    assert.equal(Messages, undefined);
    assert.equal(await depth('failing'), '0+0');
    assert.equal(await depth('dead'), '1+0');
  });
});

describe('objects', () => {
  before(() => clients.s3.send(new CreateBucketCommand({ Bucket: 'photos' })));

  test('are put, copied, listed, read with their metadata, and deleted', async () => {
    const Bucket = 'photos';
    await clients.s3.send(
      new PutObjectCommand({
        Bucket,
        Key: 'ä b+c.jpg',
        Body: 'bytes',
        ContentType: 'image/jpeg',
        Metadata: { request: 'r1' },
      }),
    );
    await clients.s3.send(
      new CopyObjectCommand({
        Bucket,
        Key: '~/id/copy.jpg',
        CopySource: `${Bucket}/${encodeURIComponent('ä b+c.jpg')}`,
      }),
    );
    const { Contents } = await clients.s3.send(new ListObjectsV2Command({ Bucket }));
    assert.deepEqual(Contents?.map(({ Key }) => Key).sort(), ['~/id/copy.jpg', 'ä b+c.jpg']);
    const copy = await clients.s3.send(new GetObjectCommand({ Bucket, Key: '~/id/copy.jpg' }));
    assert.equal(await copy.Body?.transformToString(), 'bytes');
    assert.equal(copy.ContentType, 'image/jpeg');
    assert.equal(copy.Metadata?.request, 'r1');
    await clients.s3.send(new DeleteObjectCommand({ Bucket, Key: '~/id/copy.jpg' }));
    const gone = clients.s3.send(new HeadObjectCommand({ Bucket, Key: '~/id/copy.jpg' }));
    assert.equal(await errorName(gone), 'NotFound');
  });

  test('may be larger than fauxqs alone would take', async () => {
    const Body = Buffer.alloc(20 * 1024 * 1024, 7);
    await clients.s3.send(new PutObjectCommand({ Bucket: 'photos', Key: 'large', Body }));
    const { ContentLength } = await clients.s3.send(
      new HeadObjectCommand({ Bucket: 'photos', Key: 'large' }),
    );
    assert.equal(ContentLength, Body.length);
  });

  test('keys that look like ways out of the folder stay keys', async () => {
    const Bucket = 'photos';
    const Key = '../../../../etc/x.jpg';
    const put = await fetch(`${cloud.url}/photos/${encodeURIComponent(Key)}`, {
      method: 'PUT',
      body: 'mine',
    });
    assert.equal(put.status, 200);
    const { Contents } = await clients.s3.send(new ListObjectsV2Command({ Bucket, Prefix: '..' }));
    assert.deepEqual(
      Contents?.map((object) => object.Key),
      [Key],
    );
  });
});
