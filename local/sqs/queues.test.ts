import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import {
  CreateQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { startTestCloud, temporaryFolder } from '../cloud.fixture.ts';

const folder = temporaryFolder();
const { clients, stop } = await startTestCloud(folder.path);
const { sqs } = clients;
after(async () => {
  await stop();
  folder.remove();
});

/** Polls that wait when this resolves; each tells the text it got. */
async function polls(queue: string, count: number, most = 1) {
  await sqs.send(new CreateQueueCommand({ QueueName: queue }));
  const open = Array.from({ length: count }, async () => {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queue,
        WaitTimeSeconds: 20,
        MaxNumberOfMessages: most,
      }),
    );
    return Messages.map(({ Body }) => Body);
  });
  // Once these later requests are answered, the polls before them are waiting.
  for (let i = 0; i < 5; i++) await sqs.send(new CreateQueueCommand({ QueueName: queue }));
  return open;
}

test('of several polls one gets the message, and the others wait on', async () => {
  const open = await polls('one', 3);
  for (const MessageBody of ['a', 'b', 'c']) {
    await sqs.send(new SendMessageCommand({ QueueUrl: 'one', MessageBody }));
  }
  // Each poll is answered once: one that had been answered empty would be without a letter here.
  assert.deepEqual((await Promise.all(open)).flat().sort(), ['a', 'b', 'c']);
});

test('messages that come together wake as many polls as they need', async () => {
  const open = await polls('together', 2, 2);
  const batch = (bodies: readonly string[]) =>
    sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: 'together',
        Entries: bodies.map((MessageBody, i) => ({ Id: `${i}`, MessageBody })),
      }),
    );
  await batch(['a', 'b', 'c']);
  const got = await Promise.all(open);
  assert.deepEqual(got.flat().sort(), ['a', 'b', 'c']);
  assert.deepEqual(got.map(({ length }) => length).sort(), [1, 2]);
});
