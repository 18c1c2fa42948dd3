/**
 * Those who watch, as streams of server-sent events. All get the same bytes; whoever reads too slowly
 * misses some, and is cut off in the end: nothing is kept for anybody.
 */
import type { ServerResponse } from 'node:http';

/** A viewer that has taken nothing for so long is gone, or might as well be. */
const SLOW_MS = 30_000;
/** A browser that lost the stream comes back after this. */
const RETRY_MS = 2000;

const HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store, no-transform',
  /** Some proxies would collect events otherwise. */
  'X-Accel-Buffering': 'no',
};

/** One event on the wire. */
export function eventOf(name: string, id: number, data: unknown): Buffer {
  return Buffer.from(`id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}

export class Viewers {
  /** Each with the time since which it takes nothing, by a monotonic clock. */
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

  /** The head goes out at once, with a comment, so that a reader knows that it is heard. */
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

  /** Each stream ends as a whole, so that its connection can be closed as any other. */
  end(): void {
    for (const response of this.#stalledAt.keys()) {
      // Who does not take what it was sent would not take the end either.
      if (response.writableLength > 0) response.destroy();
      else response.end();
    }
  }
}
