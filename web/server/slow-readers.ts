/**
 * Disconnects clients that do not read their answers, which would stay in memory forever. A client that
 * reads slowly is not affected: Node's socket timeout restarts whenever the kernel accepts some bytes.
 */
import type { ServerResponse } from 'node:http';

export interface SlowReaders {
  /** Watches one answer until it is sent. */
  watch(response: ServerResponse): void;
  stop(): void;
}

/** @param stallMs a connection is closed if nothing of its answer was read for this long */
export function cutSlowReaders(stallMs: number): SlowReaders {
  /** Whether the socket of each answer has a timeout now. */
  const answers = new Map<ServerResponse, boolean>();
  const look = (): void => {
    for (const [response, isLimited] of answers) {
      const isStalled =
        response.headersSent && (response.writableEnded || response.writableNeedDrain);
      if (isStalled === isLimited) continue;
      // A socket's timeout without a listener ends it.
      response.socket?.setTimeout(isStalled ? stallMs : 0);
      answers.set(response, isStalled);
    }
  };
  const looking = setInterval(look, stallMs / 4).unref();
  return {
    watch(response) {
      answers.set(response, false);
      const { socket } = response;
      response.once('close', () => {
        const isLimited = answers.get(response);
        answers.delete(response);
        // Node has set the time limit of an idle connection, unless another request is waiting on it.
        if (isLimited && socket?.timeout === stallMs) socket.setTimeout(0);
      });
    },
    stop: () => clearInterval(looking),
  };
}
