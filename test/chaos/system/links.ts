/** The TCP proxies between the services and what they use, each service with one of its own. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { LinkName } from '../faults/faults.ts';

export interface Links {
  /** By name; a tier of several nodes has one a node. */
  readonly by: Readonly<Record<LinkName, readonly TcpProxy[]>>;
  /** The run's own way to Redis, which no fault but a failover meets. */
  readonly own: TcpProxy;
  /** Leads connections to Redis that are made from now on to this port. */
  moveRedis(port: number): void;
  close(): Promise<void>;
}

export async function openLinks(options: {
  readonly redisPort: number;
  readonly awsPort: number;
  readonly webNodes: number;
}): Promise<Links> {
  const { redisPort, awsPort, webNodes } = options;
  const several = (count: number, port: number): Promise<TcpProxy[]> =>
    Promise.all(Array.from({ length: count }, () => startTcpProxy(port)));
  const own = await startTcpProxy(redisPort);
  const by: Record<LinkName, TcpProxy[]> = {
    'redis web': await several(webNodes, redisPort),
    'redis app': await several(1, redisPort),
    'aws web': await several(webNodes, awsPort),
    'aws scaler': await several(1, awsPort),
    'aws worker': await several(1, awsPort),
  };
  return {
    by,
    own,
    moveRedis(port) {
      for (const proxy of [own, ...by['redis web'], ...by['redis app']]) proxy.target = port;
    },
    async close() {
      await Promise.all([own, ...Object.values(by).flat()].map((proxy) => proxy.close()));
    },
  };
}

const LOOPBACK = '127.0.0.1';

export interface TcpProxy {
  readonly port: number;
  /** Connections that pass bytes both ways. */
  readonly live: number;
  /** Connections that were accepted so far. */
  readonly accepted: number;
  /** Where connections made from now on lead. */
  target: number;
  /** Milliseconds that each piece of data is held back, both ways. */
  delayMs: number;
  /** The connections there are now go on without a byte and without an end, as when a host vanishes. */
  swallow(): void;
  /** While true, new connections are accepted and swallowed too. */
  swallowsNew: boolean;
  /** The server's side of each connection there is now ends; the client's stays open. */
  halfClose(): void;
  close(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  swallowed: boolean;
}

/**
 * Stands between clients and one TCP server and does to connections what broken networks do. Knows no
 * protocol.
 * @param target port of the server, on this machine
 */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  const all = new Set<Socket>();
  let accepted = 0;

  const keep = (socket: Socket): Socket => {
    all.add(socket);
    socket.on('error', () => {}); // Its 'close' follows.
    return socket.on('close', () => all.delete(socket));
  };
  const join = (pair: Pair): void => {
    const { client, server } = pair;
    pairs.add(pair);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on('data', (chunk) => {
        const pass = (): void => {
          if (!pair.swallowed && to.writable) to.write(chunk);
        };
        if (proxy.delayMs > 0) setTimeout(pass, proxy.delayMs);
        else pass();
      });
      from.on('close', () => {
        pairs.delete(pair);
        if (!pair.swallowed) to.destroy();
      });
    }
  };
  const listener = createServer((client) => {
    accepted += 1;
    keep(client);
    if (proxy.swallowsNew) client.resume();
    else join({ client, server: keep(connect(proxy.target, LOOPBACK)), swallowed: false });
  });
  listener.listen(0, LOOPBACK);
  await once(listener, 'listening');

  const proxy: TcpProxy = {
    port: (listener.address() as AddressInfo).port,
    get live() {
      return [...pairs].filter(({ swallowed }) => !swallowed).length;
    },
    get accepted() {
      return accepted;
    },
    target,
    delayMs: 0,
    swallowsNew: false,
    swallow() {
      for (const pair of pairs) pair.swallowed = true;
    },
    halfClose() {
      for (const { client } of pairs) client.end();
    },
    async close() {
      listener.close();
      for (const socket of all) socket.destroy();
      await once(listener, 'close');
    },
  };
  return proxy;
}
