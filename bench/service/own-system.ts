/** This project's whole system, started as a person starts it, and inference without a system around it. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { COMMAND_LINE } from '../../local/processes/service.ts';
import { mallocSettings } from '../../model/native/malloc-settings.ts';
import { memoryOf, startedAt, startProcess } from '../processes.ts';
import type { WorkerMemory } from './figures.ts';

const ALONE = fileURLToPath(new URL('./alone.child.ts', import.meta.url));
/** Between two looks at the logs. */
const LOOK_MS = 50;
const MB = 1e6;
/** What a worker logs then. */
const READY = 'The inference process is ready';

export interface System {
  readonly url: URL;
  /** Of the process that started all others. */
  readonly pid: number;
  /** Waits until this many workers are ready. */
  warm(workers: number): Promise<ReadyWorker[]>;
  /** Every request that a worker has answered: the ms of each step, by request id. */
  answered(): Promise<Map<string, Record<string, number>>>;
  stop(): Promise<void>;
}

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
    async answered() {
      const lines = await linesWith(logs, '"answered"');
      return new Map(lines.map((line) => answerLine.parse(JSON.parse(line))));
    },
    stop: () => running.stop(),
  };
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

/** @returns photos a second of this many warm inference processes of one thread, without any service */
export async function inferenceAlone(options: AloneOptions): Promise<number> {
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
    const begun = performance.now();
    await Promise.all(
      started.map(async (one) => {
        const done = one.hears('it was done', (said) => said ?? undefined);
        one.child.send(each);
        await done;
      }),
    );
    return (each * processes * 1000) / (performance.now() - begun);
  } finally {
    await Promise.all(started.map((one) => one.stop('SIGKILL')));
  }
}
