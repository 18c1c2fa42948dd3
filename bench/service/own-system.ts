/** This project's whole system, started as a person starts it, and inference without a system around it. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { COMMAND_LINE } from '../../local/processes/service.ts';
import { mallocSettings } from '../../model/native/malloc-settings.ts';
import { BenchError } from '../errors.ts';
import {
  commandOf,
  memoryOf,
  processorSeconds,
  startedAt,
  startProcess,
  treeOf,
} from '../processes.ts';
import type { WorkerMemory } from './figures.ts';

const ALONE = fileURLToPath(new URL('./alone.child.ts', import.meta.url));
/** Between two looks at the logs. */
const LOOK_MS = 50;
/** Until a request is logged. */
const LOGGED_MS = 10_000;
const MB = 1e6;
/** What a worker logs then. */
const READY = 'The inference process is ready';
const ANSWERED = '"Answered"';

export interface System {
  readonly url: URL;
  /** Of the process that started all others. */
  readonly pid: number;
  /** Waits until this many workers are ready. */
  warm(workers: number): Promise<ReadyWorker[]>;
  /** Seconds of a processor that each part has used since it was started; empty where there is no /proc. */
  processorSeconds(): Promise<ProcessorTimes>;
  /**
   * The ms of each step of these requests, in their order. A worker logs them after the client has its answer.
   * @throws {BenchError} for one that is not logged within seconds
   */
  answered(ids: readonly string[]): Promise<Readonly<Record<string, number>>[]>;
  stop(): Promise<void>;
}

/** By part, as the tables name it. */
export type ProcessorTimes = Readonly<Record<string, number>>;

export interface ReadyWorker {
  /** From the start of its process to its loaded model, ms; undefined where there is no /proc. */
  readonly readyMs: number | undefined;
  /** What its processes take now. */
  memory(): Promise<WorkerMemory | undefined>;
}

export interface SystemOptions {
  readonly folder: string;
  readonly modelDir: string;
  readonly backend: string;
  readonly workers: number;
  /** Instances that are there before any request; 0 starts from nothing. */
  readonly kept: number;
}

export async function startSystem(options: SystemOptions): Promise<System> {
  const { folder, modelDir, backend, workers, kept } = options;
  await rm(folder, { recursive: true, force: true });
  const running = startProcess(process.execPath, [COMMAND_LINE, 'start'], {
    ...process.env,
    PORT: '0',
    LOCAL_CLOUD_PORT: '0',
    LOCAL_DATA_DIR: folder,
    MODEL_DIR: modelDir,
    BACKEND: backend,
    THREADS: '1',
    MAX_INSTANCES: String(workers),
    MIN_INSTANCES: String(kept),
    LOG_LEVEL: 'info',
  });
  const url = await running.tells('the ready line', (said) => /Ready: (http:\S+)/.exec(said)?.[1]);
  const logs = join(folder, 'logs');
  return {
    url: new URL(url),
    pid: running.child.pid!,
    async warm(count) {
      for (;;) {
        const lines = await linesWith(logs, READY);
        if (lines.length >= count) return Promise.all(lines.map(readyWorker));
        await sleep(LOOK_MS);
      }
    },
    processorSeconds: () => processorTimes(running.child.pid!),
    async answered(ids) {
      for (let waited = 0; ; waited += LOOK_MS) {
        const lines = await linesWith(logs, ANSWERED);
        const steps = new Map(lines.map((line) => answerLine.parse(JSON.parse(line))));
        const missing = ids.find((id) => !steps.has(id));
        if (missing === undefined) return ids.map((id) => steps.get(id)!);
        if (waited > LOGGED_MS) throw new BenchError(`No worker logged the request ${missing}.`);
        await sleep(LOOK_MS);
      }
    },
    stop: () => running.stop(),
  };
}

async function processorTimes(root: number): Promise<ProcessorTimes> {
  const times: Record<string, number> = {};
  for (const pid of await treeOf(root)) {
    const seconds = await processorSeconds(pid);
    const part = pid === root ? 'local cloud' : partOf(await commandOf(pid));
    if (seconds !== undefined) times[part] = (times[part] ?? 0) + seconds;
  }
  return times;
}

function partOf(command: readonly string[]): string {
  if (command.some((argument) => argument.includes('redis-server'))) return 'Redis';
  if (command.some((argument) => argument.includes('/inference/'))) return 'inference';
  const at = command.indexOf(COMMAND_LINE);
  const names: Record<string, string> = { web: 'web tier', worker: 'workers’ services' };
  return (at >= 0 && (names[command[at + 1] ?? ''] ?? command[at + 1])) || 'other';
}

const answerLine = z
  .object({ request: z.string(), ms: z.record(z.string(), z.number()) })
  .transform(({ request, ms }) => [request, ms] as const);

const readyLine = z.object({ pid: z.int(), time: z.iso.datetime() });

async function readyWorker(line: string): Promise<ReadyWorker> {
  const { pid, time } = readyLine.parse(JSON.parse(line));
  const started = await startedAt(pid);
  return {
    readyMs: started && Date.parse(time) - started,
    async memory() {
      const bytes = await memoryOf(pid);
      return bytes && { resident: bytes.resident / MB, private: bytes.private / MB };
    },
  };
}

/** Lines of the workers' logs. */
async function linesWith(folder: string, text: string): Promise<string[]> {
  const files = (await readdir(folder).catch(() => [])).filter((file) =>
    file.startsWith('app-tier-instance'),
  );
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  return texts.flatMap((lines) => lines.split('\n').filter((line) => line.includes(text)));
}

export interface AloneOptions {
  readonly modelDir: string;
  readonly backend: string;
  readonly precision: string;
  readonly processes: number;
  readonly images: string;
  readonly photos: number;
}

export interface Alone {
  readonly photosPerSecond: number;
  /** Seconds of a processor for one photo; undefined where there is no /proc. */
  readonly processorSeconds: number | undefined;
}

/** This many warm inference processes of one thread, without any service. */
export async function inferenceAlone(options: AloneOptions): Promise<Alone> {
  const { modelDir, backend, precision, processes, images, photos } = options;
  const environment = {
    ...process.env,
    ...mallocSettings,
    TF_NUM_INTRAOP_THREADS: '1',
    TF_NUM_INTEROP_THREADS: '1',
  };
  const started = Array.from({ length: processes }, () =>
    startProcess(process.execPath, [ALONE, modelDir, backend, precision, '1', images], environment),
  );
  try {
    await Promise.all(started.map((one) => one.hears('it was ready', (said) => said ?? undefined)));
    const each = Math.ceil(photos / processes);
    const used = () => Promise.all(started.map(({ child }) => processorSeconds(child.pid!)));
    const before = await used();
    const begun = performance.now();
    await Promise.all(
      started.map(async (one) => {
        const done = one.hears('it was done', (said) => said ?? undefined);
        one.child.send(each);
        await done;
      }),
    );
    const all = each * processes;
    const photosPerSecond = (all * 1000) / (performance.now() - begun);
    const after = await used();
    const seconds = after.map((value, at) => (value ?? Number.NaN) - (before[at] ?? Number.NaN));
    const sum = seconds.reduce((a, b) => a + b, 0);
    return { photosPerSecond, processorSeconds: Number.isNaN(sum) ? undefined : sum / all };
  } finally {
    await Promise.all(started.map((one) => one.stop('SIGKILL')));
  }
}
