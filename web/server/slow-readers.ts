/**
 * Cuts off clients that do not read their answers, which would stay in memory for ever. A client that
 * reads slowly is left alone: Node's socket timeout begins again whenever the kernel took some bytes.
 */
import type { ServerResponse } from 'node:http';

export interface SlowReaders {
  /** Watches one answer until it is out. */
  watch(response: ServerResponse): void;
  stop(): void;
}

/** @param stallMs an answer of which nothing was taken for this long ends its connection */
export function cutSlowReaders(stallMs: number): SlowReaders {
  /** Each with whether its socket has a time limit now. */
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
