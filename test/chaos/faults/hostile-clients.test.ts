import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { until } from '../../condition.fixture.ts';
import { sendHostileClients } from './wide-faults.ts';

/** More than a socket takes at once, and made once: a connection asks for a thousand of them. */
const ANSWER = Buffer.alloc(300_000);

describe('clients that take more than their share', { timeout: 30_000 }, () => {
  let server: Server;
  let port: number;
  let requests: string[] = [];
  let bytes = 0;
  let stalled = 0;
  const connections = () =>
    new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
  before(async () => {
    server = createServer((request, response) => {
      requests.push(request.url ?? '');
      request.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      if (request.method === 'POST') return;
      if (!response.write(ANSWER)) stalled += 1;
      response.end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  it('pipeline, never read, or send a byte now and then, until they are ended', async () => {
    for (const how of ['pipelined', 'never-reading', 'slow-uploads'] as const) {
      requests = [];
      bytes = 0;
      stalled = 0;
      const end = sendHostileClients(how, port);
      if (how === 'slow-uploads') {
        await until('200 uploads', () => requests.length === 200);
        const before = bytes;
        await until('a byte more of each', () => bytes >= before + 200);
        assert.ok(bytes < 50_000, `${bytes} bytes`);
      } else {
        const path = how === 'pipelined' ? '/healthz' : '/docs/swagger-ui-bundle.js';
        await until('many requests', () => requests.length > 20);
        assert.equal(requests[0], path);
        await until('answers that are not taken', () => stalled > 0);
      }
      end();
      await until('no connections', async () => (await connections()) === 0);
    }
  });
});
