/**
 * Stands between clients and one TCP server and does to connections what broken networks do. Knows no
 * protocol.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

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

/** @param target port of the server, on this machine */
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
