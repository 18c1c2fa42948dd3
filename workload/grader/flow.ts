/**
 * Observes the system again and again, and runs the generator meanwhile, from zero instances to zero again;
 * each look is a row of the scaling table of `grader --watch`. Judges nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../runtime/errors.ts';
import type { Poster } from '../post.ts';
import { type RunPlan, runWorkload } from '../run.ts';
import type { Tally } from '../tally.ts';
import type { FlowRecord } from './checks.ts';
import { fleetSize, messagesIn, type Observation, type Observe } from './observe.ts';

export interface FlowOptions {
  readonly plan: RunPlan;
  readonly intervalMs: number;
  /** How long after the last answer fleet and queues may take to be empty. */
  readonly settleMs: number;
  readonly onLook?: (look: Look) => void;
  readonly onProgress?: (tally: Tally) => void;
  readonly onAnswered?: () => void;
}

/**
 * @throws {WorkloadError} when the first or the last look at the system fails; looks in between may.
 * An aborted `signal` breaks the run off and leaves out the wait for rest.
 */
export async function runFlow(
  observe: Observe,
  poster: Poster,
  options: FlowOptions,
  signal: AbortSignal,
): Promise<FlowRecord> {
  const { plan, intervalMs, settleMs } = options;
  const before = await observe();
  const peaks = { running: before.app.running ?? 0, fleet: fleetSize(before.app) };
  const over = new AbortController();
  let answeredAt: number | undefined;
  let restedAfterMs: number | undefined;

  const watching = (async () => {
    for await (const look of watch(observe, intervalMs, AbortSignal.any([over.signal, signal]))) {
      options.onLook?.(look);
      if ('seen' in look) {
        peaks.running = Math.max(peaks.running, look.seen.app.running ?? 0);
        peaks.fleet = Math.max(peaks.fleet, fleetSize(look.seen.app));
      }
      // A look that began before the last answer says nothing about rest.
      if (answeredAt === undefined) continue;
      const sinceMs = Date.now() - answeredAt;
      if ('seen' in look && look.seen.at > answeredAt && isAtRest(look.seen)) {
        restedAfterMs = sinceMs;
        return;
      }
      if (sinceMs > settleMs) return;
    }
  })();

  try {
    const tally = await runWorkload(plan, poster, signal, options.onProgress);
    answeredAt = Date.now();
    options.onAnswered?.();
    await watching;
    const files = plan.images.slice(0, plan.requests).map(({ name }) => name);
    return {
      before,
      after: await observe(),
      peakRunning: peaks.running,
      peakFleet: peaks.fleet,
      summary: tally.summary(),
      files,
      restedAfterMs,
    };
  } finally {
    over.abort();
    await watching;
  }
}

/** Nothing runs, boots or leaves, and no message is left: a queue that is missing has none. */
function isAtRest({ app, requests, replies }: Observation): boolean {
  const busy = [requests, replies].some((depth) => depth !== undefined && messagesIn(depth) > 0);
  return fleetSize(app) === 0 && !busy;
}

/** A look that failed is reported and does not end the watch: the cloud is asked again. */
type Look = { readonly seen: Observation } | { readonly error: string };

/** Looks until `signal` is aborted, `intervalMs` between the end of one look and the next. */
export async function* watch(
  observe: Observe,
  intervalMs: number,
  signal: AbortSignal,
): AsyncGenerator<Look> {
  while (!signal.aborted) {
    yield await observe().then(
      (seen) => ({ seen }),
      (error: unknown) => ({ error: messageOf(error) }),
    );
    await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
  }
}

const COLUMNS = [
  ['time', 8],
  ['requests visible', 16],
  ['in flight', 9],
  ['responses', 9],
  ['running', 7],
  ['pending', 7],
  ['in-bucket', 9],
  ['out-bucket', 10],
] as const;

/** The first two lines of the table. */
export const tableHead = [
  row(COLUMNS.map(([title]) => title)),
  COLUMNS.map(([, width]) => '-'.repeat(width)).join('-+-'),
].join('\n');

/** A dash stands for what does not exist. */
export function tableRow(look: Look): string {
  if ('error' in look) return look.error;
  const { at, requests, replies, app, inKeys, outKeys } = look.seen;
  return row([
    new Date(at).toTimeString().slice(0, 8),
    count(requests?.visible),
    count(requests?.inFlight),
    count(replies && replies.visible + replies.inFlight),
    count(app.running ?? 0),
    count(app.pending ?? 0),
    count(inKeys?.length),
    count(outKeys?.length),
  ]);
}

function count(number: number | undefined): string {
  return number === undefined ? '-' : String(number);
}

function row(cells: readonly string[]): string {
  return cells.map((cell, i) => cell.padStart(COLUMNS[i]![1])).join(' | ');
}
