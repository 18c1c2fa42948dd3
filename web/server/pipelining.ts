/**
 * Handles one request of a connection at a time. Node reads pipelined requests as fast as they arrive
 * and emits them all at once, so that one connection could use the capacity of a thousand clients.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Limit for requests of all connections that are read before their turn. A connection is paused at the
 * first, but one read of 64 KB may hold two thousand, and each takes about 3 KB of memory once parsed.
 */
const MOST_READ_AHEAD = 40_000;

type Exchange = readonly [IncomingMessage, ServerResponse];

interface Connection {
  busy: boolean;
  /** Requests that are read, but not started. */
  readonly ahead: Exchange[];
}

export interface PipeliningOptions {
  /** A connection is closed if the requests read ahead would exceed this number. */
  readonly mostReadAhead?: number;
  /** Called when a request starts. */
  readonly onTurn?: (response: ServerResponse) => void;
}

/** @returns a listener that calls `app` for a connection's next request once the previous one is answered */
export function oneAtATime(app: RequestListener, options: PipeliningOptions = {}): RequestListener {
  const { mostReadAhead = MOST_READ_AHEAD, onTurn } = options;
  const connections = new WeakMap<Socket, Connection>();
  let readAhead = 0;

  const connectionOf = (socket: Socket): Connection => {
    const known = connections.get(socket);
    if (known) return known;
    const connection: Connection = { busy: false, ahead: [] };
    connections.set(socket, connection);
    socket.once('close', () => {
      readAhead -= connection.ahead.splice(0).length;
    });
    return connection;
  };
  const begin = (connection: Connection, [request, response]: Exchange): void => {
    const { socket } = request;
    connection.busy = true;
    response.once('close', () => {
      connection.busy = false;
      if (socket.destroyed) return;
      const next = connection.ahead.shift();
      if (next === undefined) return;
      readAhead -= 1;
      // The body of the last request read may still have to arrive.
      if (connection.ahead.length === 0) socket.resume();
      begin(connection, next);
    });
    onTurn?.(response);
    app(request, response);
  };
  return (request, response) => {
    const { socket } = request;
    const connection = connectionOf(socket);
    if (!connection.busy && connection.ahead.length === 0) {
      begin(connection, [request, response]);
    } else if (readAhead >= mostReadAhead) {
      socket.destroy();
    } else {
      connection.ahead.push([request, response]);
      readAhead += 1;
      socket.pause();
    }
  };
}
