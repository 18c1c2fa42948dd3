/** Starts workers as processes for tests, and sees to their end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Bench } from './worker.fixture.ts';

const WITH_DOUBLE = fileURLToPath(new URL('./process.fixture.ts', import.meta.url));
const COMMAND_LINE = fileURLToPath(new URL('../elastic-face.ts', import.meta.url));

export interface WorkerProcess {
  readonly child: ChildProcess;
  /** Everything it wrote to standard error so far. */
  said(): string;
  /** Exit code, or the signal that ended it. */
  readonly exit: Promise<number | string | null>;
}

/** What a worker process must know of a bench; nothing else of the environment gets in. */
export function environmentOf({ cloud: { settings }, folder }: Bench): Record<string, string> {
  return {
    PROJECT_ID: settings.PROJECT_ID,
    AWS_ENDPOINT_URL: settings.AWS_ENDPOINT_URL ?? '',
    REDIS_URL: settings.REDIS_URL ?? '',
    VISIBILITY_SECONDS: String(settings.VISIBILITY_SECONDS),
    MODEL_DIR: folder,
  };
}

/** A worker with the inference double; the text of photos says what happens. */
export function spawnWorker(environment: Record<string, string>): WorkerProcess {
  return watch([WITH_DOUBLE], environment);
}

/** The command as a person or a unit file runs it, with the model. */
export function spawnCommand(
  flags: readonly string[],
  environment: Record<string, string>,
): WorkerProcess {
  return watch([COMMAND_LINE, 'worker', ...flags], environment);
}

function watch(args: readonly string[], environment: Record<string, string>): WorkerProcess {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, args, {
    env: { PATH, HOME, ...environment },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said += chunk;
  });
  return {
    child,
    said: () => said,
    exit: once(child, 'close').then(([code, signal]) => signal ?? code),
  };
}
