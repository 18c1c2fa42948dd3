import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { Ledger } from './ledger.ts';
import { startLoad } from './load.ts';

const ANSWER_MS = 50;

it('honest clients find the capacity, then ask for a share of it; bursts come beside them', {
  timeout: 60_000,
}, async (t) => {
  let waiting: Promise<unknown> = Promise.resolve();
  // One at a time: a capacity of 20 a second at most.
  const server = createServer((request, response) => {
    request.resume();
    waiting = waiting.then(() => new Promise((resolve) => setTimeout(resolve, ANSWER_MS)));
    void waiting.then(() => response.end('x:y'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const ledger = new Ledger();
  const stop = new AbortController();
  const load = startLoad({
    urls: [`http://127.0.0.1:${(server.address() as AddressInfo).port}/`],
    requests: 1000,
    clients: 8,
    share: 0.5,
    measureMs: 2500,
    photo: (number) => ({
      bytes: Buffer.from(`${number}`),
      expected: { kind: 'name', name: 'y' },
    }),
    patienceMs: 30_000,
    ledger,
    signal: stop.signal,
  });
  const capacity = await load.capacity;
  assert.ok(capacity > 5 && capacity <= 21, `${capacity} a second`);
  const measured = performance.now();
  load.burst(3 * capacity, 1000);
  setTimeout(() => stop.abort(), 3000);
  await load.begun;
  await load.done;
  const bursts = ledger.uploads.filter(({ isBurst }) => isBurst).length;
  assert.ok(bursts > 1.5 * capacity && bursts < 3.5 * capacity, `${bursts} in a burst`);
  const paced = ledger.uploads.filter(({ isBurst, from }) => !isBurst && from > measured).length;
  assert.ok(paced < 0.5 * capacity * 3 + 9, `${paced} in 3 s`);
  assert.ok(ledger.uploads.every(({ told }) => told?.kind === 'answer'));
});
