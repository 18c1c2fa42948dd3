/** Talks to a server byte by byte: what no HTTP client would send, or would send at once. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { until } from '../../test/condition.fixture.ts';

export interface RawConnection {
  send(bytes: string | Uint8Array): Promise<void>;
  /** Everything it has said so far. */
  said(): string;
  /** Waits until it has said something that matches. */
  says(pattern: RegExp): Promise<string>;
  /** Resolves with all it said when the server has closed the connection. */
  readonly closed: Promise<string>;
  leave(): void;
}

export async function rawConnection(port: number): Promise<RawConnection> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => {}); // A server that cuts off is what such tests are about.
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(text)));
  await once(socket, 'connect');
  return {
    async send(bytes) {
      if (!socket.write(bytes) && !socket.destroyed) {
        const drained = new Promise((resolve) => socket.once('drain', resolve));
        await Promise.race([drained, closed]);
      }
    },
    said: () => text,
    says: (pattern) => until(`an answer like ${pattern}`, () => pattern.test(text) && text),
    closed,
    leave: () => socket.destroy(),
  };
}

/** The head of a photo's form; its boundary is that of test/form.fixture.ts. */
export function formHead(headers: Readonly<Record<string, string | number>>): string {
  const all = {
    Host: 'test',
    'Content-Type': 'multipart/form-data; boundary=elastic-face-test-boundary',
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST / HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** One chunk of a body that comes without a length. */
export function chunk(bytes: Uint8Array): Buffer {
  return Buffer.concat([
    Buffer.from(`${bytes.length.toString(16)}\r\n`),
    bytes,
    Buffer.from('\r\n'),
  ]);
}
