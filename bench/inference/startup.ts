/**
 * Startup times: from the start of `recognize` to its first line, compared with the Python script, and from the
 * start of a worker to its ready lease. Also a worker’s memory at work.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cloudNames } from '../../cloud/contract/names.ts';
import { connectRedis } from '../../cloud/redis/connection.ts';
import { openLeases } from '../../cloud/redis/leases.ts';
import { COMMAND_LINE } from '../../local/processes/service.ts';
import { startStack } from '../../local/stack.ts';
import { createLogger } from '../../runtime/log.ts';
import type { OnStep } from '../../runtime/progress.ts';
import { readSettings } from '../../runtime/settings.ts';
import { BenchError } from '../errors.ts';
import { type Memory, memoryOf, most } from '../processes.ts';
import { type Places, pythonProgram } from './party-program.ts';
import { onCores, type Program } from './peer.ts';
import { median } from './report/results.ts';

/** The first run of each fills the page cache with model and libraries, and is not counted. */
export async function measureColdStarts(
  places: Places,
  photo: string,
  options: { rounds: number; python: boolean; cores: string | undefined },
): Promise<{ own?: number; python?: number }> {
  const { model, threads, checkpoint } = places;
  const own: Program = {
    command: process.execPath,
    args: [COMMAND_LINE, 'recognize', '--model', model, '--threads', String(threads), photo],
  };
  const script = pythonProgram(places, 'cold_start.py', [checkpoint, model, photo]);
  const taken = { own: [] as number[], python: [] as number[] };
  for (let round = 0; round <= options.rounds; round++) {
    const first = await timeToFirstLine(own, options.cores);
    const other = options.python ? await timeToFirstLine(script, options.cores) : undefined;
    if (round === 0) continue;
    taken.own.push(first);
    if (other !== undefined) taken.python.push(other);
  }
  return {
    own: median(taken.own),
    ...(taken.python.length > 0 && { python: median(taken.python) }),
  };
}

/** ms until its first line. @throws {BenchError} with its last output when it writes none */
async function timeToFirstLine(program: Program, cores: string | undefined): Promise<number> {
  const { command, args, environment } = onCores(program, cores);
  const begun = performance.now();
  const child = spawn(command, [...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  let taken: number | undefined;
  child.stdout.once('data', () => {
    taken = performance.now() - begun;
  });
  await once(child, 'close');
  if (taken === undefined) {
    throw new BenchError(`${command} answered nothing: ${errors.trim().split('\n').at(-1)}`);
  }
  return taken;
}

export interface WorkerOptions {
  readonly model: string;
  readonly threads: number;
  readonly starts: number;
  /** How often each photo is sent. */
  readonly turns: number;
  readonly photos: readonly string[];
  readonly onStep: OnStep;
}

const READY_MS = 60_000;

export async function measureWorker(
  options: WorkerOptions,
): Promise<{ memory?: Memory; readyMs: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'elastic-face-bench-'));
  const settings = readSettings(
    {
      PORT: 0,
      LOCAL_CLOUD_PORT: 0,
      LOCAL_DATA_DIR: folder,
      MODEL_DIR: options.model,
      THREADS: options.threads,
      MAX_INSTANCES: 1,
      PROJECT_ID: 'bench',
    },
    {},
  );
  const log = createLogger('bench', 'silent');
  const stack = await startStack({
    settings,
    log,
    machine: process.env,
    prepareModel: async () => {},
    signal: new AbortController().signal,
    // The measured worker is the only one: others would share its work.
    instanceProgram: ['-e', 'setInterval(() => {}, 1000)'],
  });
  const redis = connectRedis(stack.redis.url, 'bench', log);
  const leases = openLeases(redis, cloudNames(settings.PROJECT_ID, settings.BUCKET_SUFFIX).keys);
  const environment = {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    XDG_CACHE_HOME: process.env.XDG_CACHE_HOME ?? '',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL: stack.cloudUrl,
    REDIS_URL: stack.redis.url,
    PROJECT_ID: settings.PROJECT_ID,
    MODEL_DIR: options.model,
    THREADS: String(options.threads),
    LOG_LEVEL: 'warn',
  };
  const workers: ChildProcess[] = [];
  const startWorker = async (): Promise<{ child: ChildProcess; readyMs: number }> => {
    const begun = performance.now();
    const child = spawn(process.execPath, [COMMAND_LINE, 'worker'], {
      env: environment,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    workers.push(child);
    const id = `local-${hostname()}-${child.pid}`;
    for (;;) {
      const state = (await leases.read([id])).get(id)?.state;
      if (state !== undefined && state !== 'starting') break;
      if (child.exitCode !== null || performance.now() - begun > READY_MS) {
        throw new BenchError('The worker did not become ready.');
      }
      await delay(5);
    }
    return { child, readyMs: performance.now() - begun };
  };
  try {
    const taken: number[] = [];
    // The first start fills the page cache; the last one continues to work.
    let last: ChildProcess | undefined;
    for (let start = 0; start <= options.starts; start++) {
      options.onStep('a worker’s start', { done: start, all: options.starts + 1 });
      if (last !== undefined) await ended(last);
      const { child, readyMs } = await startWorker();
      last = child;
      if (start > 0) taken.push(readyMs);
    }
    options.onStep('a worker at work');
    const memory = await memoryAtWork(last!.pid!, stack.webUrl, options);
    return { readyMs: median(taken), ...(memory && { memory }) };
  } finally {
    await Promise.all(workers.map(ended));
    redis.disconnect();
    await stack.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Posts every photo a fixed number of times, a few at once, and reads the memory after each answer. Counts
 * photos, not seconds, so that a slow machine processes the large photos too.
 * @throws {BenchError} when one is not answered: an idle worker's memory would be taken for one at work
 */
async function memoryAtWork(
  pid: number,
  url: string,
  { photos, turns }: WorkerOptions,
): Promise<Memory | undefined> {
  const waiting = Array.from({ length: turns }, () => photos).flat();
  let peak: Memory | undefined;
  const client = async (): Promise<void> => {
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      const form = new FormData();
      form.set(
        'inputFile',
        new File([await readFile(path)], `${waiting.length}-${basename(path)}`),
      );
      const response = await fetch(`${url}/`, { method: 'POST', body: form });
      const answer = await response.text();
      // 422 means that the photo has no face, which is work too.
      if (!response.ok && response.status !== 422) {
        throw new BenchError(`The worker did not answer ${path}: ${response.status} ${answer}`);
      }
      peak = most(peak, await memoryOf(pid));
    }
  };
  await Promise.all([client(), client(), client(), client()]);
  return peak;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
