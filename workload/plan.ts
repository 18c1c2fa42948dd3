/** The flags that the generator and the grader share, and the run they describe, checked before it starts. */
import { z } from 'zod';
import { SettingsError } from '../runtime/errors.ts';
import { listImages, readPredictions, requirePredictions } from './photos.ts';
import { requireReachable } from './post.ts';
import type { RunPlan } from './run.ts';

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
