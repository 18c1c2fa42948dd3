/**
 * The original course design as a party: Flask, boto3 and workers with PyTorch held warm, on a local
 * cloud of their own. The Python files beside this one are the design; this starts and ends them.
 */
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findFiles } from '../../convert/sources/find-files.ts';
import { modelFilesPublished } from '../../convert/sources/published-files.ts';
import { type BenchProcess, startProcess } from '../processes.ts';
import { FACENET, joined, type PythonParty } from '../python.ts';

const PROJECT = 'course';
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** What the design needs of Python. */
export const COURSE_DESIGN: PythonParty = joined(FACENET, {
  packages: ['flask==3.1.3', 'boto3==1.44.8'],
  modules: ['flask', 'boto3'],
});

export interface CourseDesignOptions {
  readonly python: string;
  readonly folder: string;
  readonly workers: number;
  /** Recognised once by each worker before it is ready. */
  readonly photo: string;
  readonly checkpoints?: string | undefined;
}

export async function startCourseDesign(
  options: CourseDesignOptions,
): Promise<{ readonly url: URL; stop(): Promise<void> }> {
  const { python, folder, workers, photo, checkpoints } = options;
  const files = await findFiles(modelFilesPublished, { named: checkpoints });
  await rm(folder, { recursive: true, force: true });
  const started: BenchProcess[] = [];
  const start = (program: string, args: string[], environment: Record<string, string> = {}) => {
    const one = startProcess(program, args, { ...process.env, ...environment });
    started.push(one);
    return one;
  };
  const stop = async (): Promise<void> => {
    for (const one of started.splice(0).reverse()) await one.stop('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const cloud = start(process.execPath, [here('./cloud.child.ts'), folder, PROJECT]);
    const endpoint = await cloud.hears(
      'it had an address',
      (message) => (message as { url?: string }).url,
    );
    const port = await freePort();
    const environment = {
      PROJECT_ID: PROJECT,
      PORT: String(port),
      AWS_ENDPOINT_URL: endpoint,
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      THREADS: '1',
      OMP_NUM_THREADS: '1',
      FACE_CHECKPOINTS: dirname(files.encoder),
      ENCODER: basename(files.encoder),
      GALLERY: files.gallery,
      WARM_UP_PHOTO: photo,
    };
    const web = start(python, [here('./web.py')], environment);
    const each = Array.from({ length: workers }, () =>
      start(python, [here('./worker.py')], environment),
    );
    await Promise.all(
      each.map((one) => one.tells('it was ready', (said) => said.includes('ready') || undefined)),
    );
    const url = new URL(`http://127.0.0.1:${port}/`);
    await untilOk(new URL('/readyz', url), web);
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Flask says its port only in words; it may be taken between this and its start, which then fails. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilOk(url: URL, web: BenchProcess): Promise<void> {
  const ended = new AbortController();
  const dead = web
    .tells('it answered', () => undefined)
    .catch((error) => {
      ended.abort(error);
    });
  void dead;
  for (;;) {
    ended.signal.throwIfAborted();
    if (
      await fetch(url).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return;
    await sleep(50);
  }
}
