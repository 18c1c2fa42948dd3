import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import { until } from '../../condition.fixture.ts';
import type { FaultOf } from '../faults/faults.ts';
import { breakLink } from '../faults/wide-faults.ts';
import { type Links, openLinks } from './links.ts';

describe('a broken network between a service and what it uses', { timeout: 30_000 }, () => {
  let echo: Server;
  let links: Links;
  let undo: (() => void | Promise<void>) | undefined;
  const open: Socket[] = [];
  before(async () => {
    echo = createServer((socket) => socket.on('error', () => {}).pipe(socket));
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const { port } = echo.address() as AddressInfo;
    links = await openLinks({ redisPort: port, awsPort: port, webNodes: 2 });
  });
  afterEach(() => {
    for (const socket of open.splice(0)) socket.destroy();
  });
  after(async () => {
    await links.close();
    echo.close();
  });

  const fault = { kind: 'link', link: 'redis web', pick: 0.9, newToo: false, delayMs: 0, ms: 1 };
  const hit = (how: Partial<FaultOf<'link'>>): string | undefined =>
    breakLink({ ...fault, ...how } as FaultOf<'link'>, { links }, (_, then) => {
      undo = then;
    });
  /** Of node 1 unless said. */
  async function client(node = 1): Promise<{ socket: Socket; heard: () => string }> {
    const socket = connect(links.by['redis web'][node]!.port, '127.0.0.1');
    open.push(socket);
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    await once(socket, 'connect');
    return { socket, heard: () => text };
  }
  async function answers(node = 1): Promise<Awaited<ReturnType<typeof client>>> {
    const one = await client(node);
    one.socket.write('a');
    await until('an echo', () => one.heard() === 'a');
    return one;
  }

  it('swallows the connections of one node, and its new ones while it lasts', async () => {
    const old = await answers();
    const other = await answers(0);
    assert.equal(hit({ how: 'swallow', newToo: true }), '1 connections');
    const fresh = await client();
    for (const { socket } of [old, fresh, other]) socket.write('b');
    await until('the other node’s echo', () => other.heard() === 'ab');
    await undo?.();
    await answers();
    assert.deepEqual([old.heard(), fresh.heard()], ['a', '']);
    assert.ok(!old.socket.closed && !fresh.socket.closed, 'nobody was told');
  });

  it('half-closes connections: the other side has ended, new ones work', async () => {
    const old = await answers();
    hit({ how: 'half-close' });
    await once(old.socket, 'end');
    await answers();
  });

  it('holds data back both ways while it lasts', async () => {
    const one = await answers();
    hit({ how: 'delay', delayMs: 200 });
    const start = performance.now();
    one.socket.write('b');
    await until('the echo', () => one.heard() === 'ab');
    assert.ok(performance.now() - start > 390);
    await undo?.();
    assert.equal(links.by['redis web'][1]!.delayMs, 0);
  });
});
