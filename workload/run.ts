/**
 * A whole run: the flags that describe it, shared by the generator and the grader and checked before it
 * starts, and the run itself: N uploads with a limit of parallel ones, each answer judged and counted. Knows
 * nothing of terminals; how one upload travels comes in as a `Poster`.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { SettingsError } from '../runtime/errors.ts';
import {
  type ImageFile,
  judge,
  listImages,
  type Predictions,
  readPredictions,
  requirePredictions,
  shorten,
} from './photos.ts';
import { connectionError, type Poster, requireReachable } from './post.ts';
import { Tally } from './tally.ts';

/** yargs options; `--n` and `--server` are what other graders of the course call them. */
export const runOptions = {
  num_request: {
    alias: 'n',
    type: 'number',
    describe:
      'requests in all; default: one per file. More than files: the files are gone through again',
  },
  url: { alias: 'server', type: 'string', describe: 'address of the web tier' },
  image_folder: { type: 'string', describe: 'folder of the photos, posted in sorted order' },
  prediction_file: {
    type: 'string',
    describe: 'CSV with the columns Image,Results; without it answers are not judged',
  },
  connections: { type: 'number', default: 100, describe: 'requests under way at once' },
  rate: { type: 'number', describe: 'requests begun per second; default: as answers come' },
  timeout: { type: 'number', describe: 'seconds to wait for one answer; default: no limit' },
  retries: {
    type: 'number',
    default: 0,
    describe: 'times a request whose connection broke is sent again; each is counted',
  },
} as const;

const positive = (name: string) =>
  z.number({ error: `--${name} must be a number above 0` }).positive({
    error: `--${name} must be a number above 0`,
  });
const whole = (name: string, low: number, high: number) => {
  const error = `--${name} must be a whole number from ${low} to ${high}`;
  return z.number({ error }).int({ error }).min(low, { error }).max(high, { error });
};

const flagsSchema = z.object({
  num_request: whole('num_request', 1, 100_000_000).optional(),
  url: z.url({
    protocol: /^https?$/,
    error: '--url must be an http:// or https:// address, e.g. http://127.0.0.1:8000/',
  }),
  image_folder: z
    .string({ error: '--image_folder must name a folder of photos' })
    .min(1, { error: '--image_folder must name a folder of photos' }),
  prediction_file: z
    .string({ error: '--prediction_file must name one CSV file' })
    .min(1, { error: '--prediction_file must name one CSV file' })
    .optional(),
  connections: whole('connections', 1, 10_000),
  rate: positive('rate').optional(),
  timeout: positive('timeout').optional(),
  retries: whole('retries', 0, 1000),
});

export interface PreparedRun {
  readonly url: URL;
  readonly plan: RunPlan;
}

/**
 * Reads the folder and the predictions and tries the address, so that a run that starts can end.
 * @throws {WorkloadError} {SettingsError} naming the flag that is wrong and what to do.
 */
export async function prepareRun(flags: Readonly<Record<string, unknown>>): Promise<PreparedRun> {
  const parsed = flagsSchema.safeParse(flags);
  if (!parsed.success) {
    throw new SettingsError(`${parsed.error.issues.map(({ message }) => message).join('; ')}.`);
  }
  const { image_folder, prediction_file, num_request, connections, rate, timeout, retries } =
    parsed.data;
  const images = await listImages(image_folder);
  const requests = num_request ?? images.length;
  const predictions =
    prediction_file === undefined ? undefined : await readPredictions(prediction_file);
  if (predictions) requirePredictions(predictions, images.slice(0, requests));
  const url = new URL(parsed.data.url);
  await requireReachable(url);
  return { url, plan: { images, requests, predictions, connections, rate, timeout, retries } };
}

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
