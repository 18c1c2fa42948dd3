import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it, type TestContext } from 'node:test';
import { silent, startTestCloud } from '../../test/cloud.fixture.ts';
import { createAwsClients } from './clients.ts';
import { openQueue } from './sqs/queues.ts';
import { openAtStart } from './start-up.ts';

/** The cloud behind a server that breaks the first calls: more of them than the SDK's own retries bridge. */
async function behind(t: TestContext, outage: 'resets' | 'fails', calls: number) {
  const cloud = await startTestCloud();
  t.after(() => cloud.close());
  let left = calls;
  const server = createServer((from, to) => {
    if (left > 0) {
      left -= 1;
      if (outage === 'resets') from.socket.destroy();
      else to.writeHead(503).end();
      return;
    }
    const { method, url = '/', headers } = from;
    const inner = new URL(url, cloud.settings.AWS_ENDPOINT_URL);
    from.pipe(
      request(inner, { method, headers }, (answer) => {
        to.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(to);
      }),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const settings = { ...cloud.settings, AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` };
  const clients = createAwsClients(settings);
  t.after(() => {
    clients.destroy();
    server.closeAllConnections();
    server.close();
  });
  return { cloud, clients, left: () => left };
}

for (const outage of ['resets', 'fails'] as const) {
  it(`a service that starts while AWS ${outage} starts when that is over`, {
    timeout: 30_000,
  }, async (t) => {
    const { cloud, clients, left } = await behind(t, outage, 8);
    const open = () => openQueue(clients.sqs, cloud.names.requestQueue);
    await assert.rejects(open);
    const queue = await openAtStart(open, silent);
    assert.equal(left(), 0);
    assert.equal((await queue.depth()).visible, 0);
  });
}

it('an outage that does not end is an error', { timeout: 30_000 }, async (t) => {
  const { cloud, clients } = await behind(t, 'resets', Infinity);
  await assert.rejects(
    openAtStart(() => openQueue(clients.sqs, cloud.names.requestQueue), silent, 500),
    /cannot be reached \(.*check AWS_ENDPOINT_URL/,
  );
});

it('a missing queue and a refused connection are errors at once', async (t) => {
  const { clients } = await behind(t, 'resets', 0);
  let attempts = 0;
  const open = (sqs = clients.sqs) => {
    attempts += 1;
    return openQueue(sqs, 'nobody-req-queue');
  };
  await assert.rejects(
    openAtStart(() => open(), silent),
    /There is no queue/,
  );
  const nobody = createAwsClients({ AWS_REGION: 'x', AWS_ENDPOINT_URL: 'http://127.0.0.1:1' });
  t.after(() => nobody.destroy());
  await assert.rejects(
    openAtStart(() => open(nobody.sqs), silent),
    /cannot be reached/,
  );
  assert.equal(attempts, 2);
});
