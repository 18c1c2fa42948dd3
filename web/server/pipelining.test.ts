import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { RequestListener, Server, ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { silent } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import { formBody, plainPhoto } from '../../test/form.fixture.ts';
import { startApp } from '../app.fixture.ts';
import { formHead, rawConnection } from './raw.fixture.ts';
import { openServer, type ServerLimits } from './server.ts';

const MB = 1024 * 1024;

describe('pipelined requests', { timeout: 60_000 }, () => {
  let server: Server;
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  async function serve(app: RequestListener, limits: ServerLimits = {}): Promise<number> {
    server = openServer(
      app,
      { UPLOAD_SECONDS: 60, MAX_REQUESTS: 1000, KEEP_ALIVE_SECONDS: 65 },
      silent,
      limits,
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }
  const connections = (): Promise<number> => promisify(server.getConnections.bind(server))();
  const gets = (count: number): string =>
    Array.from({ length: count }, (_, i) => `GET /${i} HTTP/1.1\r\nHost: test\r\n\r\n`).join('');

  it('of a connection are answered in their order, one begun when the last is answered', async () => {
    const begun: [string | undefined, ServerResponse][] = [];
    const port = await serve((request, response) => void begun.push([request.url, response]));
    const client = await rawConnection(port);
    await client.send(gets(1000));
    for (let i = 0; i < 1000; i++) {
      await until('the next to begin', () => begun.length > i, { everyMs: 1 });
      assert.equal(begun.length, i + 1);
      const [url, response] = begun[i]!;
      assert.equal(url, `/${i}`);
      response.end(`answer ${i};`);
    }
    const said = await client.says(/answer 999;/);
    const answers = [...said.matchAll(/answer (\d+);/g)].map(([, number]) => Number(number));
    assert.deepEqual(
      answers,
      Array.from({ length: 1000 }, (_, i) => i),
    );
    client.leave();
  });

  it('may bring photos, whose bodies come when it is their turn', async () => {
    const app = await startApp();
    server = app.server;
    const photo = await plainPhoto();
    const client = await rawConnection(app.port);
    for (let i = 0; i < 50; i++) {
      const body = formBody([{ fileName: `${i}.jpg`, bytes: photo }]);
      await client.send(formHead({ 'Content-Length': body.length }));
      await client.send(body.subarray(0, 100));
      await client.send(body.subarray(100));
    }
    await client.says(/49:Somebody/);
    assert.deepEqual(
      app.taken.map(({ file }) => file),
      Array.from({ length: 50 }, (_, i) => `${i}.jpg`),
    );
    client.leave();
  });

  it('cost a client that leaves nothing more than the one at work', async () => {
    const begun: string[] = [];
    const port = await serve((request, response) => {
      begun.push(String(request.url));
      if (request.url === '/other') response.end('other');
    });
    const client = await rawConnection(port);
    await client.send(gets(500));
    await until('the first to begin', () => begun.length > 0);
    client.leave();
    await until('it to be gone', async () => (await connections()) === 0);
    const other = await rawConnection(port);
    await other.send('GET /other HTTP/1.1\r\nHost: test\r\n\r\n');
    await other.says(/other$/);
    assert.deepEqual(begun, ['/0', '/other']);
    other.leave();
  });

  it('end the connection when those of all connections that wait are too many', async () => {
    const port = await serve(() => {}, { mostReadAhead: 100 });
    const patient = await rawConnection(port);
    await patient.send(gets(90));
    const greedy = await rawConnection(port);
    await greedy.send(gets(50));
    assert.equal(await greedy.closed, '');
    assert.equal(await connections(), 1);
    patient.leave();
  });

  it('of a client that does not read are not computed on, and it is cut off', async () => {
    let begun = 0;
    const body = Buffer.alloc(MB);
    const port = await serve(
      (_request, response) => {
        begun += 1;
        response.end(body);
      },
      { stallMs: 500 },
    );
    const client = connect(port, '127.0.0.1').on('error', () => {});
    client.pause();
    client.write(gets(200));
    await until('the first to begin', () => begun > 0);
    await until('it to be cut off', async () => (await connections()) === 0);
    // The kernel's buffers take the first few.
    assert.ok(begun < 20, `${begun} answers were made`);
    client.destroy();
  });

  it('of a client that reads slowly are all answered', async () => {
    const body = Buffer.alloc(4 * MB);
    const stallMs = 400;
    const port = await serve((_request, response) => response.end(body), { stallMs });
    const client = connect(port, '127.0.0.1');
    client.write(gets(2));
    let read = 0;
    const start = performance.now();
    for await (const chunk of client as AsyncIterable<Buffer>) {
      read += chunk.length;
      if (read < 8 * MB) await delay(10);
      else break;
    }
    assert.ok(performance.now() - start > stallMs, 'it took longer than a client may stand still');
    client.destroy();
  });
});
