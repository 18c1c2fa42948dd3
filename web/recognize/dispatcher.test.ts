import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { it } from 'node:test';
import { openQueue } from '../../cloud/aws/sqs/queues.ts';
import { encodeReply } from '../../cloud/contract/messages.ts';
import type { Relay } from '../../cloud/redis/relay.ts';
import { silent, startTestCloud } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import { startDispatcher } from './dispatcher.ts';
import { Waiters } from './waiters.ts';

const NO_RELAY: Relay = {
  isHearing: true,
  pass: async () => true,
  listen: async () => undefined,
  find: async () => [],
  hears: async () => true,
  close: () => undefined,
};
const NONE_MISSED = { answer: async () => undefined };

it('a reply for another node is passed whatever its clock says, and again until its node hears it or its time is over', async () => {
  const cloud = await startTestCloud();
  const replies = await openQueue(cloud.clients.sqs, cloud.names.replyQueue);
  const tries: string[] = [];
  const dispatcher = startDispatcher({
    node: 'this',
    replies,
    relay: {
      ...NO_RELAY,
      async pass({ node }) {
        tries.push(node);
        if (tries.length <= 2) throw new Error('Redis is away');
        return node === 'back' && tries.length > 3;
      },
    },
    waiters: new Waiters(60),
    missed: NONE_MISSED,
    requestMs: 60_000,
    keep: async () => undefined,
    log: silent,
  });
  const now = Date.now();
  for (const [node, sentAt] of [
    ['back', now],
    ['late', now - 61_000],
  ] as const) {
    const refusal = { reason: 'failed' as const, message: 'No.' };
    await replies.send(
      encodeReply({ id: randomUUID(), file: 'a.jpg', node, outcome: { refusal }, sentAt }),
    );
  }
  await until('the reply queue to be empty', async () => {
    const { visible, inFlight } = await replies.depth();
    return tries.length >= 4 && visible + inFlight === 0;
  });
  assert.deepEqual(tries.toSorted(), ['back', 'back', 'back', 'late']);
  await dispatcher.stop();
  await cloud.close();
});

it('a client has its answer before the call is begun that deletes its reply', async () => {
  const cloud = await startTestCloud();
  const queue = await openQueue(cloud.clients.sqs, cloud.names.replyQueue);
  const order: string[] = [];
  const waiters = new Waiters(60);
  const id = randomUUID();
  const answered = async (): Promise<void> => {
    await waiters.wait({ id, file: 'a.jpg' }, new AbortController().signal);
    // What the page's answer takes on its way: each step is a turn of the promises.
    for (let step = 0; step < 50; step++) await null;
    order.push('answered');
  };
  const client = answered();
  const dispatcher = startDispatcher({
    node: 'this',
    replies: {
      ...queue,
      delete(receipt) {
        order.push('deleting');
        return queue.delete(receipt);
      },
    },
    relay: NO_RELAY,
    waiters,
    missed: NONE_MISSED,
    requestMs: 60_000,
    keep: async () => undefined,
    log: silent,
  });
  const refusal = { reason: 'failed' as const, message: 'No.' };
  await queue.send(encodeReply({ id, file: 'a.jpg', node: 'this', outcome: { refusal } }));
  await client;
  await dispatcher.stop();
  assert.deepEqual(order, ['answered', 'deleting']);
  await cloud.close();
});
