/**
 * A whole run: N uploads, at most so many at once, each answer judged and counted. Knows nothing of
 * terminals; how one upload travels comes in as a `Poster`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type ImageFile, judge, type Predictions, shorten } from './photos.ts';
import { connectionError, type Poster } from './post.ts';
import { Tally } from './tally.ts';

export interface RunPlan {
  readonly images: readonly ImageFile[];
  /** Uploads in all; where they outnumber the images, the images are gone through again. */
  readonly requests: number;
  readonly connections: number;
  readonly predictions?: Predictions | undefined;
  /** Uploads begun per second; unset: as fast as answers come. */
  readonly rate?: number | undefined;
  /** Seconds after which an upload counts as failed; unset: never. */
  readonly timeout?: number | undefined;
  /** How often an upload is sent again after its connection broke; every time is counted. */
  readonly retries: number;
}

/**
 * Runs the plan to its end, or until `signal` is aborted: then what is under way is broken off and
 * left out of the count. `onProgress` is called after every counted request. Never rejects for what
 * a server does: failures are counted, with their reasons, in the tally.
 *
 * With a rate, latency counts from when a request was due, so that waiting for a free connection is
 * not hidden (Gil Tene's "coordinated omission").
 */
export async function runWorkload(
  plan: RunPlan,
  poster: Poster,
  signal: AbortSignal,
  onProgress: (tally: Tally) => void = () => undefined,
): Promise<Tally> {
  const tally = new Tally(plan.requests, plan.predictions !== undefined);
  const begun = performance.now();
  let next = 0;

  const lane = async (): Promise<void> => {
    while (next < plan.requests && !signal.aborted) {
      const index = next++;
      const due = plan.rate === undefined ? performance.now() : begun + (index * 1000) / plan.rate;
      await until(due, signal);
      await one(plan.images[index % plan.images.length]!, due);
    }
  };

  const one = async (image: ImageFile, due: number): Promise<void> => {
    for (let attempt = 0; !signal.aborted; attempt++) {
      const timeout = plan.timeout === undefined ? [] : [AbortSignal.timeout(plan.timeout * 1000)];
      try {
        const { status, body } = await poster.post(image, AbortSignal.any([signal, ...timeout]));
        if (status === 200) {
          tally.answered(image, performance.now() - due, judge(image, body, plan.predictions));
        } else {
          tally.failed(image, `HTTP ${status}`, shorten(body));
        }
        break;
      } catch (error) {
        if (signal.aborted) return;
        if (timeout[0]?.aborted) {
          tally.failed(image, 'timeout', `no answer within ${plan.timeout} s`);
          break;
        }
        if (attempt >= plan.retries) {
          tally.failed(image, 'connection', connectionError(error));
          break;
        }
        tally.retried();
      }
    }
    tally.durationMs = performance.now() - begun;
    onProgress(tally);
  };

  await Promise.all(Array.from({ length: Math.min(plan.connections, plan.requests) }, lane));
  tally.durationMs = performance.now() - begun;
  return tally;
}

async function until(due: number, signal: AbortSignal): Promise<void> {
  const wait = due - performance.now();
  if (wait > 0) await sleep(wait, undefined, { signal }).catch(() => undefined);
}
