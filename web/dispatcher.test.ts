import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { it } from 'node:test';
import { encodeReply } from '../cloud/messages.ts';
import { openQueue } from '../cloud/queues.ts';
import { silent, startTestCloud } from '../test/cloud.fixture.ts';
import { until } from '../test/condition.fixture.ts';
import { startDispatcher } from './dispatcher.ts';
import { Waiters } from './waiters.ts';

it('a reply for a node that Redis has just lost comes again; one for a dead node ends', async () => {
  const cloud = await startTestCloud();
  const replies = await openQueue(cloud.clients.sqs, cloud.names.replyQueue);
  const tries: string[] = [];
  const dispatcher = startDispatcher({
    node: 'this',
    replies,
    relay: {
      // The node `back` listens again by the second time; `dead` never does.
      async pass(node) {
        tries.push(node);
        return node === 'back' && tries.filter((one) => one === node).length === 2;
      },
      listen: async () => undefined,
      close: () => undefined,
    },
    waiters: new Waiters(60),
    keep: async () => undefined,
    log: silent,
  });
  for (const node of ['back', 'dead']) {
    const refusal = { reason: 'failed' as const, message: 'No.' };
    await replies.send(
      encodeReply({ id: randomUUID(), file: 'a.jpg', node, outcome: { refusal } }),
    );
  }
  await until('the reply queue to be empty', async () => {
    const { visible, inFlight } = await replies.depth();
    return tries.length >= 5 && visible + inFlight === 0;
  });
  assert.deepEqual(tries.sort(), ['back', 'back', 'dead', 'dead', 'dead']);
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
    await waiters.wait(id, new AbortController().signal);
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
    relay: { pass: async () => true, listen: async () => undefined, close: () => undefined },
    waiters,
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
