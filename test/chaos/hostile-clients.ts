/** Clients that take more of a web node than their share. They hear no answer and judge nothing. */
import { connect, type Socket } from 'node:net';
import type { HostileKind } from './faults.ts';

const LOOPBACK = '127.0.0.1';
const HOST = `Host: ${LOOPBACK}\r\n`;
const PIPELINED = 1000;
/** Connections of each kind at once. */
const CONNECTIONS: Readonly<Record<HostileKind, number>> = {
  pipelined: 20,
  'never-reading': 30,
  'slow-uploads': 200,
};
const UPLOAD_BYTES = 16_000_000;
const DRIP_MS = 1000;
const LONG_ANSWER = `GET /docs/swagger-ui-bundle.js HTTP/1.1\r\n${HOST}\r\n`;
const QUICK_ANSWER = `GET /healthz HTTP/1.1\r\n${HOST}\r\n`;
const UPLOAD_HEAD = `POST / HTTP/1.1\r\n${HOST}Content-Type: multipart/form-data; boundary=x\r\nContent-Length: ${UPLOAD_BYTES}\r\n\r\n--x\r\nContent-Disposition: form-data; name="inputFile"; filename="slow.jpg"\r\nContent-Type: image/jpeg\r\n\r\n`;

/**
 * A pipelining client reads; one that is cut off comes again.
 * @param port of the web node
 * @returns ends them all
 */
export function sendHostileClients(how: HostileKind, port: number): () => void {
  const sockets = new Set<Socket>();
  let isOver = false;
  const come = (): void => {
    const socket = connect(port, LOOPBACK);
    sockets.add(socket);
    socket.on('error', () => {}); // Cut off, which is right; 'close' follows.
    socket.on('close', () => {
      sockets.delete(socket);
      if (!isOver) setTimeout(() => isOver || come(), DRIP_MS);
    });
    if (how === 'never-reading') socket.pause();
    else socket.resume();
    if (how === 'slow-uploads') {
      socket.write(UPLOAD_HEAD);
      const drip = setInterval(() => socket.writable && socket.write('x'), DRIP_MS);
      socket.on('close', () => clearInterval(drip));
    } else {
      socket.write((how === 'pipelined' ? QUICK_ANSWER : LONG_ANSWER).repeat(PIPELINED));
    }
  };
  for (let i = 0; i < CONNECTIONS[how]; i++) come();
  return () => {
    isOver = true;
    for (const socket of sockets) socket.destroy();
  };
}
