/**
 * `npm run bench -- page`: what the live view costs the web tier. A web node on a local cloud, with a
 * fleet that answers at once; viewers and none in turns, at rest and at full load.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { findCourseData } from '../../convert/sources/course-data.ts';
import { startRedis } from '../../local/redis.ts';
import { EXIT } from '../../runtime/process/exit.ts';
import type { OnStep } from '../../runtime/progress.ts';
import { type ImageFile, listImages } from '../../workload/photos.ts';
import { createPoster } from '../../workload/post.ts';
import { BenchError } from '../errors.ts';
import { type BenchProcess, startProcess } from '../processes.ts';
import { median } from '../service/figures.ts';

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const PROJECT = 'bench-page';
const CONNECTIONS = 100;
/** Of one turn. */
const SECONDS = 6;
/** Before each: the load is up, the history is sent, and no viewer is left of those that watched before. */
const SETTLE_MS = 6000;
/** The first of a kind is thrown away: compiled code, caches. */
const WARM_UP = 1;

export interface PageBenchOptions {
  readonly viewers: number;
  readonly rounds: number;
  readonly json: boolean;
}

interface Turn {
  /** Of the web process, ms of processor time a second. */
  readonly cpu: number;
  readonly photosPerSecond: number;
  /** What all viewers together were sent a second. */
  readonly bytesPerSecond: number;
}
type Kind = 'rest' | 'restWatched' | 'load' | 'loadWatched';

/** @param onStep told how far it is; the answer is the report */
export async function benchPage(
  { viewers, rounds, json }: PageBenchOptions,
  onStep: OnStep,
): Promise<string> {
  const images = await listImages((await findCourseData(100)).images);
  const { url, stop } = await start();
  try {
    const turns: Record<Kind, Turn[]> = { rest: [], restWatched: [], load: [], loadWatched: [] };
    for (let round = 1; round <= rounds + WARM_UP; round++) {
      onStep('rounds', { done: round - 1, all: rounds + WARM_UP });
      for (const kind of ['rest', 'restWatched', 'load', 'loadWatched'] as const) {
        const watchers = kind.endsWith('Watched') ? viewers : 0;
        const turn = await measure(url, watchers, kind.startsWith('load') ? images : undefined);
        if (round > WARM_UP) turns[kind].push(turn);
      }
    }
    return json ? JSON.stringify(turns) : report(turns, viewers);
  } finally {
    await stop();
  }
}

function report(turns: Record<Kind, Turn[]>, viewers: number): string {
  const over = (kind: Kind, pick: (turn: Turn) => number): number => median(turns[kind].map(pick));
  /** Whatever else the machine does only adds to processor time: the least is nearest to the truth. */
  const least = (kind: Kind, pick: (turn: Turn) => number): number =>
    Math.min(...turns[kind].map(pick));
  const kibibytes = ({ bytesPerSecond }: Turn): number => bytesPerSecond / viewers / 1024;
  const cpu = ({ cpu: ms }: Turn): number => ms;
  const rate = ({ photosPerSecond }: Turn): number => photosPerSecond;
  const perPhoto = (turn: Turn): number => turn.cpu / turn.photosPerSecond;
  const cost = least('restWatched', cpu) - least('rest', cpu);
  const full = over('load', cpu);
  const more = least('loadWatched', perPhoto) / least('load', perPhoto) - 1;
  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
  const rows = [
    ['the web process at rest, nobody watching', `${least('rest', cpu).toFixed(1)} ms/s`],
    [`the same, ${viewers} watching`, `${least('restWatched', cpu).toFixed(1)} ms/s`],
    ['at full load, nobody watching', `${full.toFixed(0)} ms/s`],
    ['photos a second then', over('load', rate).toFixed(0)],
    [`the same, ${viewers} watching`, over('loadWatched', rate).toFixed(0)],
    ['processor time a photo', `${least('load', perPhoto).toFixed(3)} ms`],
    [`the same, ${viewers} watching`, `${least('loadWatched', perPhoto).toFixed(3)} ms`],
    ['that is more by, with the noise of the load', percent(more)],
    ['what watching costs at rest, as a share of full load', percent(cost / full)],
    ['sent to one viewer a second', `${over('restWatched', kibibytes).toFixed(1)} KiB`],
  ];
  return [
    '| figure | measured |',
    '| --- | --- |',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ].join('\n');
}

async function measure(
  url: URL,
  watchers: number,
  images: readonly ImageFile[] | undefined,
): Promise<Turn> {
  const ending = new AbortController();
  let bytes = 0;
  const onBytes = (count: number): void => {
    bytes += count;
  };
  const running = Promise.all([
    ...Array.from({ length: watchers }, () => watch(url, ending.signal, onBytes)),
    images && load(url, images, ending.signal),
  ]);
  running.catch(() => {}); // It is heard of when the turn is over.
  await sleep(SETTLE_MS);
  bytes = 0;
  const before = await figuresOf(url);
  await sleep(SECONDS * 1000);
  const after = await figuresOf(url);
  const seen = bytes;
  ending.abort();
  await running;
  const seconds = after.at - before.at;
  return {
    cpu: (1000 * (after.cpu - before.cpu)) / seconds,
    photosPerSecond: (after.photos - before.photos) / seconds,
    bytesPerSecond: seen / seconds,
  };
}

/** Reads until the signal aborts; a stream that ends before is a failure. */
async function watch(
  url: URL,
  signal: AbortSignal,
  onBytes: (count: number) => void,
): Promise<void> {
  try {
    const response = await fetch(new URL('/live', url), { signal });
    if (!response.ok) throw new BenchError(`/live answered ${response.status}.`);
    for await (const chunk of response.body ?? []) onBytes(chunk.length);
  } catch (error) {
    if (!signal.aborted) throw error;
    return;
  }
  if (!signal.aborted) throw new BenchError('The live view ended while it was measured.');
}

async function load(url: URL, images: readonly ImageFile[], signal: AbortSignal): Promise<void> {
  const poster = createPoster(url, CONNECTIONS);
  let next = 0;
  const client = async (): Promise<void> => {
    while (!signal.aborted) {
      const image = images[next++ % images.length] as ImageFile;
      const { status } = await poster.post(image, new AbortController().signal);
      if (status !== 200) throw new BenchError(`A photo was answered with ${status}.`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client)).finally(() => poster.close());
}

/** By the web tier's own measurements. */
async function figuresOf(url: URL): Promise<{ at: number; cpu: number; photos: number }> {
  const text = await (await fetch(new URL('/metrics', url))).text();
  const value = (name: string): number =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.slice(name.length) ?? 0,
    );
  return {
    at: performance.now() / 1000,
    cpu: value('process_cpu_seconds_total'),
    photos: value('elastic_face_photos_answered_total{outcome="match"}'),
  };
}

/** Redis, the cloud, the fleet and one web node, each a process of its own. */
async function start(): Promise<{ url: URL; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'elastic-face-page-'));
  const redis = await startRedis({
    folder,
    logFile: join(folder, 'redis.log'),
    searchPath: process.env.PATH ?? '',
  });
  const started: BenchProcess[] = [];
  const run = (args: readonly string[], environment: Record<string, string>): BenchProcess => {
    const one = startProcess(process.execPath, args, { ...process.env, ...environment });
    started.push(one);
    return one;
  };
  const stop = async (): Promise<void> => {
    for (const one of started.splice(0).reverse()) await one.stop('SIGKILL');
    await redis.stop();
    await rm(folder, { recursive: true, force: true });
  };
  // So that nothing is left running when the bench is ended.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => process.exit(EXIT.interrupted));
  try {
    const cloud = run([here('../service/cloud.child.ts'), join(folder, 'cloud'), PROJECT], {});
    const AWS_ENDPOINT_URL = await cloud.hears(
      'it had an address',
      (message) => z.object({ url: z.string() }).safeParse(message).data?.url,
    );
    const environment = {
      PROJECT_ID: PROJECT,
      PORT: '0',
      HOST: '127.0.0.1',
      LOG_LEVEL: 'info',
      REDIS_URL: redis.url,
      AWS_ENDPOINT_URL,
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
    };
    await run([here('fleet.child.ts')], environment).hears('it was ready', (said) => said);
    const web = run([here('../../elastic-face.ts'), 'web'], environment);
    const port = await web.hears(
      'it listened',
      (message) => z.object({ listening: z.int() }).safeParse(message).data?.listening,
    );
    return { url: new URL(`http://127.0.0.1:${port}/`), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
