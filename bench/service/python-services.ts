/**
 * Two services in Python as parties, with the same pipeline on PyTorch. The original course design: Flask, boto3 and
 * workers on a local cloud of their own. And a synchronous one, built as CompreFace is: Flask in one process a core,
 * here behind gunicorn, no queue and no object store. The Python files beside this one are the services; this
 * starts and ends them.
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

/** What the services need of Python. */
export const PYTHON_SERVICES: PythonParty = joined(FACENET, {
  packages: ['flask==3.1.3', 'boto3==1.44.8', 'gunicorn==23.0.0'],
  modules: ['flask', 'boto3', 'gunicorn'],
});

export interface PythonServiceOptions {
  readonly python: string;
  /** For the local cloud's data. */
  readonly folder: string;
  /** Processes with a model. */
  readonly workers: number;
  /** Recognised once by each worker before it is ready. */
  readonly photo: string;
  readonly checkpoints?: string | undefined;
}

export interface PythonService {
  readonly url: URL;
  stop(): Promise<void>;
}

export async function startCourseDesign(options: PythonServiceOptions): Promise<PythonService> {
  const { python, folder, workers } = options;
  await rm(folder, { recursive: true, force: true });
  const started = new Started();
  const stop = async (): Promise<void> => {
    await started.stop('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const cloud = started.start(process.execPath, [here('./cloud.child.ts'), folder, PROJECT]);
    const endpoint = await cloud.hears(
      'it had an address',
      (message) => (message as { url?: string }).url,
    );
    const port = await freePort();
    const environment = {
      ...(await pipelineEnvironment(options)),
      PROJECT_ID: PROJECT,
      PORT: String(port),
      AWS_ENDPOINT_URL: endpoint,
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
    };
    const web = started.start(python, [here('./web.py')], environment);
    const each = Array.from({ length: workers }, () =>
      started.start(python, [here('./worker.py')], environment),
    );
    await Promise.all(each.map((one) => one.tells('it was ready', readyTimes(1))));
    const url = new URL(`http://127.0.0.1:${port}/`);
    await untilOk(new URL('/readyz', url), web);
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

export async function startSynchronousService(
  options: PythonServiceOptions,
): Promise<PythonService> {
  const { python, workers } = options;
  const started = new Started();
  // The master ends its workers; killed, it would leave them.
  const stop = () => started.stop('SIGINT');
  try {
    const address = `127.0.0.1:${await freePort()}`;
    const program = ['-m', 'gunicorn', '--chdir', here('.'), '--bind', address];
    // Its usual kind of worker: one request at a time, the others wait in the socket's backlog.
    const settings = ['--workers', String(workers), '--timeout', '120', 'sync_web:app'];
    const service = started.start(
      python,
      [...program, ...settings],
      await pipelineEnvironment(options),
    );
    await service.tells('its workers were ready', readyTimes(workers));
    return { url: new URL(`http://${address}/`), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What recognise.py reads. */
async function pipelineEnvironment({ photo, checkpoints }: PythonServiceOptions) {
  const files = await findFiles(modelFilesPublished, { named: checkpoints });
  return {
    THREADS: '1',
    OMP_NUM_THREADS: '1',
    FACE_CHECKPOINTS: dirname(files.encoder),
    ENCODER: basename(files.encoder),
    GALLERY: files.gallery,
    WARM_UP_PHOTO: photo,
    PYTHONDONTWRITEBYTECODE: '1',
  };
}

/** The processes of one service. */
class Started {
  readonly #processes: BenchProcess[] = [];

  start(program: string, args: string[], environment: Record<string, string> = {}): BenchProcess {
    const one = startProcess(program, args, { ...process.env, ...environment });
    this.#processes.push(one);
    return one;
  }

  /** The last one first. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    for (const one of this.#processes.splice(0).reverse()) await one.stop(signal);
  }
}

/** Each process says it once. */
function readyTimes(count: number) {
  return (said: string) => (said.match(/^ready$/gm)?.length ?? 0) >= count || undefined;
}

/** Python's servers say their port only in words; it may be taken between this and their start, which then fails. */
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
