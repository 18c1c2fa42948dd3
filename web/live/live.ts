/**
 * Produces the live view of a web node. While it has viewers, it reads the state once a second and sends
 * all of them the same bytes. Without viewers it costs nothing: the scaler keeps the history in Redis (a
 * line per second), and this node only counts its answers.
 */
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { HISTORY_POINTS } from '../../cloud/redis/scaler-status.ts';
import type { Logger } from '../../runtime/log.ts';
import { httpError } from '../errors.ts';
import { type LiveSources, readHistory, readState } from './read-state.ts';
import type { LiveHistory, LivePoint } from './state.ts';
import { eventOf, Viewers } from './viewers.ts';

const PERIOD_MS = 1000;
/** Time the producer goes on without viewers, so that a reloaded page finds it at work. */
const LINGER_MS = 5000;
/** Far below the number of connections that a node can hold. */
const MOST_VIEWERS = 200;

export interface LiveOptions {
  readonly lingerMs?: number;
  readonly mostViewers?: number;
  /** A viewer that has read nothing for this long is disconnected. */
  readonly slowMs?: number;
}

export interface Live {
  /** Whether it reads the state, for viewers or in case one returns. */
  readonly isProducing: boolean;
  /** Counts the photos of one request that were recognised, answered after `seconds`. */
  answered(seconds: number, photos: number): void;
  /**
   * Turns the response into a stream of events, until either side ends it.
   * @throws {HttpError} 503 when there are too many viewers
   */
  watch(response: ServerResponse): void;
  /** Ends every stream. */
  stop(): void;
}

export function openLive(sources: LiveSources, log: Logger, options: LiveOptions = {}): Live {
  const { lingerMs = LINGER_MS, mostViewers = MOST_VIEWERS } = options;
  let producing: AbortController | undefined;
  let lingering: NodeJS.Timeout | undefined;
  /** What a new viewer gets; undefined until the first state, which goes to all viewers. */
  let greeting: (() => Buffer) | undefined;
  const viewers = new Viewers(() => {
    if (viewers.count === 0 && producing) lingering = setTimeout(end, lingerMs);
  }, options.slowMs);

  const produce = async (signal: AbortSignal): Promise<void> => {
    let points: readonly LivePoint[] = await readHistory(sources);
    while (!signal.aborted) {
      const startedAt = performance.now();
      const now = Date.now();
      const state = await readState(sources, now);
      if (signal.aborted) return;
      const bytes = eventOf('state', now, state);
      const greet = greetingOf(points, now, bytes);
      points = [...points, state.now].slice(-HISTORY_POINTS);
      viewers.send(greeting === undefined ? greet() : bytes);
      greeting = greet;
      const restMs = Math.max(0, PERIOD_MS - (performance.now() - startedAt));
      await delay(restMs, undefined, { signal }).catch(() => {});
    }
  };
  const begin = (): void => {
    const run = new AbortController();
    producing = run;
    log.info('The live view has a viewer');
    produce(run.signal).catch((err: unknown) => {
      log.error({ err }, 'The live view failed: its viewers have to reconnect');
      if (producing !== run) return;
      end();
      viewers.end();
    });
  };
  const end = (): void => {
    producing?.abort();
    producing = undefined;
    greeting = undefined;
    clearTimeout(lingering);
  };
  return {
    get isProducing() {
      return producing !== undefined;
    },
    answered: (seconds, photos) => sources.answers.note(seconds, photos),
    watch(response) {
      if (viewers.count >= mostViewers) throw httpError.tooManyViewers();
      clearTimeout(lingering);
      viewers.add(response, greeting?.());
      if (producing === undefined) begin();
    },
    stop() {
      end();
      viewers.end();
    },
  };
}

/** The history and the state in one; made once, and only for a new viewer. */
function greetingOf(points: readonly LivePoint[], now: number, state: Buffer): () => Buffer {
  let bytes: Buffer | undefined;
  return () => {
    bytes ??= Buffer.concat([
      eventOf('history', now, { points: [...points] } satisfies LiveHistory),
      state,
    ]);
    return bytes;
  };
}
