import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import test, { after, describe } from 'node:test';
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListQueuesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { errorName, startTestCloud, temporaryFolder } from '../cloud.fixture.ts';

const folder = temporaryFolder();
const { cloud, clients, stop } = await startTestCloud(folder.path);
const { sqs } = clients;
const elsewhere = new SQSClient({
  region: 'eu-west-1',
  endpoint: cloud.url,
  credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
});
after(async () => {
  elsewhere.destroy();
  await stop();
  folder.remove();
});

const create = async (QueueName: string, Attributes = {}) =>
  (await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl;
const attributesOf = async (QueueUrl: string | undefined, client = sqs) =>
  (await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] })))
    .Attributes ?? {};
const send = (QueueUrl: string | undefined, MessageBody: string, given = {}) =>
  sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, ...given }));

describe('queues are the same in every region', () => {
  test('making one again elsewhere keeps its messages, its ARN and its redrive policy', async () => {
    const dead = (await attributesOf(await create('same-dead'))).QueueArn;
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: dead, maxReceiveCount: 3 });
    const url = await create('same', { RedrivePolicy });
    await send(url, 'kept');
    const before = await attributesOf(url);
    const again = await elsewhere.send(new CreateQueueCommand({ QueueName: 'same' }));
    assert.equal(again.QueueUrl, url);
    const found = await elsewhere.send(new GetQueueUrlCommand({ QueueName: 'same' }));
    assert.equal(found.QueueUrl, url);
    assert.deepEqual(await attributesOf(url, elsewhere), before);
    assert.equal(before.ApproximateNumberOfMessages, '1');
    assert.equal(before.RedrivePolicy, RedrivePolicy);
  });

  test('a new one has the ARN of the region that it was made in', async () => {
    await elsewhere.send(new CreateQueueCommand({ QueueName: 'far' }));
    assert.match((await attributesOf('far')).QueueArn ?? '', /^arn:aws:sqs:eu-west-1:/);
    const regional = 'http://sqs.ap-south-1.amazonaws.com/000000000000/far';
    await send(regional, 'found by its name');
    assert.equal((await attributesOf('far')).ApproximateNumberOfMessages, '1');
  });
});

describe('messages', () => {
  test('take every character that SQS takes, and no other', async () => {
    const url = await create('characters');
    for (const body of ['ok \u{1F600}', '\u{20BB7}田', '\t\r\n', '\uE000\uFFFD', '\u{10FFFF}']) {
      const { MD5OfMessageBody } = await send(url, body);
      assert.equal(MD5OfMessageBody, createHash('md5').update(body).digest('hex'));
      const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: url }));
      assert.equal(Messages?.[0]?.Body, body);
    }
    for (const body of ['\u0007', '\uFFFE', '\uFFFF', '\uD842', '\u0000']) {
      assert.equal(await errorName(send(url, body)), 'InvalidMessageContents');
    }
    const { Successful, Failed } = await sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: url,
        Entries: [
          { Id: 'good', MessageBody: '\u{1F600}' },
          { Id: 'bad', MessageBody: '\uD842' },
          { Id: 'late', MessageBody: 'x', DelaySeconds: 901 },
        ],
      }),
    );
    assert.deepEqual(
      [Successful?.map(({ Id }) => Id), Failed?.map(({ Id, Code }) => [Id, Code])],
      [
        ['good'],
        [
          ['late', 'InvalidParameterValue'],
          ['bad', 'InvalidMessageContents'],
        ],
      ],
    );
  });

  test('have SQS’s limits of delay and attributes', async () => {
    const url = await create('limits');
    const text = (StringValue: string, DataType = 'String') => ({ DataType, StringValue });
    const refused: Record<string, unknown>[] = [
      { DelaySeconds: 901 },
      { DelaySeconds: -1 },
      { MessageAttributes: { 'AWS.x': text('y') } },
      { MessageAttributes: { x: text('y', 'Nonsense') } },
      { MessageAttributes: { x: text('y', 'Number') } },
      {
        MessageAttributes: Object.fromEntries(
          Array.from({ length: 11 }, (_, i) => [`a${i}`, text('x')]),
        ),
      },
    ];
    for (const given of refused) {
      const name = await errorName(send(url, 'x', given));
      assert.equal(name, 'InvalidParameterValue', JSON.stringify(given));
    }
    await send(url, 'x', { MessageAttributes: { 'a.b-c_1': text('1e3', 'Number.float') } });
  });
});

test('a queue is purged once a minute, and one made again in its place at once', async () => {
  const QueueUrl = await create('purged');
  const purge = () => sqs.send(new PurgeQueueCommand({ QueueUrl }));
  await send(QueueUrl, 'x');
  await purge();
  assert.equal((await attributesOf(QueueUrl)).ApproximateNumberOfMessages, '0');
  assert.equal(await errorName(purge()), 'PurgeQueueInProgress');
  await sqs.send(new DeleteQueueCommand({ QueueUrl }));
  await create('purged');
  await purge();
});

test('a FIFO queue has its ending and its attribute, or neither', async () => {
  assert.equal(await errorName(create('no-attribute.fifo')), 'InvalidParameterValue');
  assert.equal(
    await errorName(create('no-ending', { FifoQueue: 'true' })),
    'InvalidParameterValue',
  );
  await create('both.fifo', { FifoQueue: 'true' });
});

test('attributes of a message come only on request', async () => {
  const url = await create('asking');
  await send(url, 'x', { MessageAttributes: { a: { DataType: 'String', StringValue: 'b' } } });
  const receive = async (MessageAttributeNames?: string[]) => {
    const given = { QueueUrl: url, MessageAttributeNames, VisibilityTimeout: 0 };
    return (await sqs.send(new ReceiveMessageCommand(given))).Messages?.[0];
  };
  const plain = await receive();
  assert.deepEqual(
    [plain?.MessageAttributes, plain?.MD5OfMessageAttributes],
    [undefined, undefined],
  );
  assert.equal((await receive(['All']))?.MessageAttributes?.a?.StringValue, 'b');
});

describe('receipts', () => {
  test('in the form of a receipt, but of no message or of another queue, are refused', async () => {
    const [one, other] = [await create('receipt-one'), await create('receipt-other')];
    await send(one, 'x');
    const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: one }));
    const given = Messages?.[0]?.ReceiptHandle ?? '';
    const remove = (QueueUrl: string | undefined, ReceiptHandle: string) =>
      errorName(sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle })));
    const changed = given.replace(/^./, (first) => (first === '0' ? '1' : '0'));
    for (const [queue, handle] of [
      [one, randomUUID()],
      [one, changed],
      [other, given],
    ] as const) {
      assert.equal(await remove(queue, handle), 'ReceiptHandleIsInvalid');
    }
    const hide = { QueueUrl: other, ReceiptHandle: given, VisibilityTimeout: 1 };
    const hiding = sqs.send(new ChangeMessageVisibilityCommand(hide));
    assert.equal(await errorName(hiding), 'ReceiptHandleIsInvalid');
    await sqs.send(new DeleteMessageCommand({ QueueUrl: one, ReceiptHandle: given }));
    assert.equal((await attributesOf(one)).ApproximateNumberOfMessagesNotVisible, '0');
  });

  test('that SQS never gave are refused, those of deleted messages are not', async () => {
    const url = await create('receipts');
    await send(url, 'x');
    const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: url }));
    const ReceiptHandle = Messages?.[0]?.ReceiptHandle;
    const remove = (receipt: string | undefined) =>
      sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: receipt }));
    assert.equal(await errorName(remove('nonsense')), 'ReceiptHandleIsInvalid');
    await remove(ReceiptHandle);
    await remove(ReceiptHandle);
    const { Failed } = await sqs.send(
      new DeleteMessageBatchCommand({
        QueueUrl: url,
        Entries: [
          { Id: 'a', ReceiptHandle },
          { Id: 'b', ReceiptHandle: 'nonsense' },
        ],
      }),
    );
    assert.deepEqual(
      Failed?.map(({ Id, Code }) => [Id, Code]),
      [['b', 'ReceiptHandleIsInvalid']],
    );
  });

  test('give a message at most twelve hours', async () => {
    const url = await create('hours');
    await send(url, 'x');
    const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: url }));
    const given = Messages?.[0]?.ReceiptHandle;
    const change = (VisibilityTimeout: number, ReceiptHandle = given) =>
      errorName(
        sqs.send(
          new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle, VisibilityTimeout }),
        ),
      );
    assert.equal(await change(43_201), 'InvalidParameterValue');
    assert.equal(await change(-1), 'InvalidParameterValue');
    assert.equal(await change(10, 'nonsense'), 'ReceiptHandleIsInvalid');
    await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: given }));
    assert.equal(await change(10), 'MessageNotInflight');
  });
});

describe('queues', () => {
  test('are listed in pages, each once', async () => {
    const names = ['P-b', 'P-A', 'P-_', 'P-a', 'P-1', 'P-Z'];
    for (const name of names) await create(name);
    const seen: string[] = [];
    for (let NextToken: string | undefined, more = true; more; more = NextToken !== undefined) {
      const page = await sqs.send(
        new ListQueuesCommand({ QueueNamePrefix: 'P-', MaxResults: 2, NextToken }),
      );
      seen.push(...(page.QueueUrls ?? []).map((url) => url.split('/').at(-1) ?? ''));
      NextToken = page.NextToken;
    }
    assert.deepEqual(seen, names.sort());
    const none = sqs.send(new ListQueuesCommand({ MaxResults: 0 }));
    assert.equal(await errorName(none), 'InvalidParameterValue');
  });

  test('are known by name and attributes, or refused with SQS’s own error', async () => {
    const missing = sqs.send(new GetQueueUrlCommand({ QueueName: 'no-such' }));
    assert.equal(await errorName(missing), 'QueueDoesNotExist');
    const url = await create('kept', { VisibilityTimeout: '77' });
    assert.equal(await create('kept', { VisibilityTimeout: '77' }), url);
    assert.equal(await create('kept'), url);
    assert.equal(await errorName(create('kept', { VisibilityTimeout: '78' })), 'QueueNameExists');
    assert.equal(await errorName(create('kept', { DelaySeconds: '5' })), 'QueueNameExists');
    assert.equal(await errorName(create('a b')), 'InvalidParameterValue');
    assert.equal(await errorName(create('x'.repeat(81))), 'InvalidParameterValue');
    assert.equal(await errorName(create('odd', { Nonsense: '1' })), 'InvalidAttributeName');
    const nobody = JSON.stringify({
      deadLetterTargetArn: 'arn:aws:sqs:us-east-1:000000000000:nobody',
      maxReceiveCount: 3,
    });
    const set = (Attributes: Record<string, string>) =>
      errorName(sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes })));
    assert.equal(await set({ RedrivePolicy: nobody }), 'InvalidParameterValue');
    assert.equal(await set({ VisibilityTimeout: '43201' }), 'InvalidAttributeValue');
    const read = sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['Nonsense' as 'All'] }),
    );
    assert.equal(await errorName(read), 'InvalidAttributeName');
  });

  test('tell which queues send their dead letters to them', async () => {
    const dead = await create('letters');
    const deadLetterTargetArn = (await attributesOf(dead)).QueueArn;
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount: '5' });
    const url = await create('source', { RedrivePolicy });
    assert.equal(await create('source', { RedrivePolicy }), url);
    const { queueUrls } = await sqs.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: dead }));
    assert.deepEqual(queueUrls, [url]);
  });

  test('an operation that is not here says so, and a broken body is the client’s fault', async () => {
    const move = sqs.send(new StartMessageMoveTaskCommand({ SourceArn: 'arn' }));
    assert.equal(await errorName(move), 'UnsupportedOperation');
    const broken = await fetch(cloud.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': 'AmazonSQS.SendMessage',
      },
      body: '{',
    });
    assert.equal(broken.status, 400);
    assert.match(await broken.text(), /SerializationException/);
  });

  test('errors are also given in the words of the older protocol, which boto3 shows', async () => {
    const codes = async (action: string, body: object) => {
      const { headers } = await fetch(cloud.url, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-amz-json-1.0',
          'x-amz-target': `AmazonSQS.${action}`,
        },
        body: JSON.stringify(body),
      });
      return headers.get('x-amzn-query-error');
    };
    await create('words');
    const queue = { QueueUrl: 'words' };
    assert.deepEqual(
      [
        await codes('GetQueueUrl', { QueueName: 'none' }),
        await codes('DeleteMessage', { ...queue, ReceiptHandle: 'x' }),
        await codes('SendMessageBatch', { ...queue, Entries: [] }),
        await codes('SendMessage', { ...queue, MessageBody: '\u0007' }),
        await codes('CreateQueue', { QueueName: 'words', Attributes: { DelaySeconds: '1' } }),
      ],
      [
        'AWS.SimpleQueueService.NonExistentQueue;Sender',
        'ReceiptHandleIsInvalid;Sender',
        'AWS.SimpleQueueService.EmptyBatchRequest;Sender',
        'InvalidMessageContents;Sender',
        'QueueAlreadyExists;Sender',
      ],
    );
  });
});
