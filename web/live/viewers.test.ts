import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { it } from 'node:test';
import { until } from '../../test/condition.fixture.ts';
import { openStream } from './stream.fixture.ts';
import { eventOf, Viewers } from './viewers.ts';

const MEBIBYTE = 2 ** 20;
const EVENTS = 32;

it('who does not read costs the others nothing, is kept little for, and is cut off', {
  timeout: 60_000,
}, async () => {
  let left = 0;
  const viewers = new Viewers(() => {
    left += 1;
  });
  const responses: ServerResponse[] = [];
  const server = createServer((_request, response) => {
    responses.push(response);
    viewers.add(response, undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  const asleep = connect(port, '127.0.0.1').on('error', () => {});
  asleep.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await until('the first', () => responses.length === 1);
  asleep.pause();
  const awake = await openStream(`http://127.0.0.1:${port}/`);
  const [slow, fast] = responses;

  const text = 'x'.repeat(MEBIBYTE);
  for (let i = 0; i < EVENTS; i++) {
    await until('room for the next', () => fast?.writableNeedDrain === false);
    viewers.send(eventOf('state', i, text), i);
    assert.equal((await awake.next('state')).id, String(i));
  }
  assert.equal(slow?.writableNeedDrain, true);
  assert.ok((slow?.writableLength ?? 0) < 3 * MEBIBYTE, String(slow?.writableLength));

  assert.equal(viewers.count, 2);
  viewers.send(eventOf('state', EVENTS, ''), 30_000 + EVENTS + 1);
  await until('the slow one to be cut off', () => viewers.count === 1);
  assert.equal(left, 1);
  assert.equal((await awake.next('state')).id, String(EVENTS));
  viewers.end();
  await awake.ended();
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
});
