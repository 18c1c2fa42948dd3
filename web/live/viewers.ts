/**
 * The viewers of the live view, each a stream of server-sent events. All get the same bytes. A slow viewer
 * misses events and is disconnected in the end: nothing is buffered for a viewer.
 */
import type { ServerResponse } from 'node:http';

/** A viewer that has read nothing for this long is disconnected. */
const SLOW_MS = 30_000;
/** Time until a browser that lost the stream reconnects. */
const RETRY_MS = 2000;

const HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store, no-transform',
  /** Tells nginx not to buffer the events. */
  'X-Accel-Buffering': 'no',
};

/** One event on the wire. */
export function eventOf(name: string, id: number, data: unknown): Buffer {
  return Buffer.from(`id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}

export class Viewers {
  /** Since when each viewer reads nothing, by a monotonic clock; undefined while it reads. */
  readonly #stalledAt = new Map<ServerResponse, number | undefined>();
  readonly #slowMs: number;
  readonly #onLeave: () => void;

  constructor(onLeave: () => void, slowMs = SLOW_MS) {
    this.#onLeave = onLeave;
    this.#slowMs = slowMs;
  }

  get count(): number {
    return this.#stalledAt.size;
  }

  /** Sends the head at once, with a comment, so that the viewer knows that it is connected. */
  add(response: ServerResponse, greeting: Uint8Array | undefined): void {
    response.writeHead(200, HEADERS);
    response.write(`retry: ${RETRY_MS}\n: watching\n\n`);
    if (greeting) response.write(greeting);
    this.#stalledAt.set(response, undefined);
    response.on('close', () => {
      if (this.#stalledAt.delete(response)) this.#onLeave();
    });
  }

  send(bytes: Uint8Array, now = performance.now()): void {
    for (const [response, stalledAt] of this.#stalledAt) {
      if (!response.writableNeedDrain) {
        this.#stalledAt.set(response, undefined);
        response.write(bytes);
      } else if (stalledAt === undefined) {
        this.#stalledAt.set(response, now);
      } else if (now - stalledAt > this.#slowMs) {
        response.destroy();
      }
    }
  }

  /** Ends each stream properly, so that its connection can be closed like any other. */
  end(): void {
    for (const response of this.#stalledAt.keys()) {
      // A viewer that does not read its events would not read the end either.
      if (response.writableLength > 0) response.destroy();
      else response.end();
    }
  }
}
