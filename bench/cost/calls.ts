/** Counts the billed calls that the whole system makes, with a proxy before the local cloud that only looks. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../local/redis.ts';
import { type Call, startFaultProxy } from '../../test/chaos/faults/proxy.ts';
import { livingInstances } from '../../test/chaos/rest.ts';
import { startSystem } from '../../test/chaos/system/system.ts';
import { type Photos, postCrowd } from '../service/load.ts';
import type { Calls } from './bill.ts';

const WORKERS = 2;
const CONNECTIONS = 100;
/** Two of the web tier's long polls of 20 s. */
const IDLE_MS = 40_000;
const LOOK_MS = 250;

export interface CallOptions {
  readonly modelDir: string;
  readonly backend: string;
  readonly photos: number;
  readonly say: (words: string) => void;
  /** ms to watch the system without work; a whole number of long polls. */
  readonly idleMs?: number;
  /** Script and arguments that instances run; the worker when unset. */
  readonly program?: readonly string[] | undefined;
}

export async function countCalls(
  course: Photos,
  { modelDir, backend, photos, say, idleMs = IDLE_MS, program }: CallOptions,
): Promise<{ perPhoto: Calls; perIdleHour: Calls }> {
  const folder = await mkdtemp(join(tmpdir(), 'elastic-face-cost-'));
  const cloudPort = await freePort();
  const meter = new Meter();
  const proxy = await startFaultProxy({
    port: cloudPort,
    chance: () => 1,
    onDone: (call) => meter.count(call),
  });
  const settings = { PROJECT_ID: 'cost', MODEL_DIR: modelDir, BACKEND: backend, IDLE_SECONDS: 2 };
  try {
    const system = await startSystem({
      folder,
      cloudPort,
      proxyUrl: proxy.url,
      webNodes: 1,
      disk: { folder: tmpdir() },
      program,
      settings: { ...settings, MAX_INSTANCES: WORKERS },
    });
    try {
      say(`${photos} photos through the whole system`);
      const before = meter.read();
      await postCrowd(new URL(system.webUrls[0]!), course, photos, Math.min(photos, CONNECTIONS));
      const crowd = since(meter.read(), before);
      while ((await livingInstances(system)) > 0) await delay(LOOK_MS);
      say(`the web tier and the scaler alone, ${idleMs / 1000} s`);
      const quiet = meter.read();
      await delay(idleMs);
      const idle = since(meter.read(), quiet);
      return {
        perPhoto: scaled(crowd, 1 / photos),
        perIdleHour: scaled(idle, 3_600_000 / idleMs),
      };
    } finally {
      await system.stop();
    }
  } finally {
    await proxy.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Deletes are free at S3; at SQS every call is billed, a batch of up to 64 KB as one. */
class Meter {
  #calls = { sqs: 0, s3Writes: 0, s3Reads: 0 };

  count({ service, method }: Call): void {
    if (service === 'sqs') this.#calls.sqs += 1;
    else if (service === 's3' && (method === 'GET' || method === 'HEAD')) this.#calls.s3Reads += 1;
    else if (service === 's3' && method !== 'DELETE') this.#calls.s3Writes += 1;
  }

  read(): Calls {
    return { ...this.#calls };
  }
}

function since(now: Calls, before: Calls): Calls {
  return {
    sqs: now.sqs - before.sqs,
    s3Writes: now.s3Writes - before.s3Writes,
    s3Reads: now.s3Reads - before.s3Reads,
  };
}

function scaled({ sqs, s3Writes, s3Reads }: Calls, factor: number): Calls {
  return { sqs: sqs * factor, s3Writes: s3Writes * factor, s3Reads: s3Reads * factor };
}
