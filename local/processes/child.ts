/**
 * Starts one process of the local stack, which ends with this one. It leads a group of its own, so that a
 * terminal's Ctrl-C reaches only the parent, and nothing of the group outlives it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, copyFileSync, mkdirSync, openSync, statSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import { moduleUrl } from '../../runtime/installation.ts';

const PARENT_WATCH = moduleUrl('./parent-watch.ts', import.meta.url).href;
/** A log larger than this is rotated; what it held is kept beside it until the next time. */
const MOST_LOG_BYTES = 10 * 1024 * 1024;
const LOG_LOOK_MS = 5000;

export interface ChildOptions {
  /** Script and arguments for this same Node. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Takes standard output and error; appended to. */
  readonly logFile: string;
  /** Between the wish to stop and the kill. */
  readonly graceMs: number;
  /** What it says through its channel (`process.send`). */
  readonly onMessage?: (message: unknown) => void;
}

export interface Child {
  readonly pid: number;
  /** Resolves, never rejects, when it and all it started are gone; the text says how it ended. */
  readonly gone: Promise<string>;
  /** Asks it to stop, and kills it after the grace; more calls do nothing more. */
  stop(): void;
}

/** @throws what spawning throws, e.g. when memory is short */
export async function startChild(options: ChildOptions): Promise<Child> {
  mkdirSync(dirname(options.logFile), { recursive: true });
  keepSmall(options.logFile);
  const log = openSync(options.logFile, 'a');
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, ['--import', PARENT_WATCH, ...options.args], {
      env: options.environment,
      stdio: ['ignore', log, log, 'ipc'],
      detached: true,
    });
    if (options.onMessage) child.on('message', options.onMessage);
    await once(child, 'spawn');
  } finally {
    closeSync(log);
  }
  const pid = child.pid!;
  const looking = setInterval(() => keepSmall(options.logFile), LOG_LOOK_MS).unref();
  let kill: NodeJS.Timeout | undefined;
  return {
    pid,
    gone: new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        clearTimeout(kill);
        clearInterval(looking);
        // A machine that is gone leaves nothing running: not its inference process either.
        killGroup(pid);
        resolve(signal === null ? `exited with code ${code}` : `ended by ${signal}`);
      });
    }),
    stop() {
      if (kill !== undefined || child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      kill = setTimeout(() => killGroup(pid), options.graceMs);
    },
  };
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/**
 * Its process goes on writing to the same file, at its end wherever that is. What it writes within the
 * few milliseconds of the copy is lost. A folder that cannot take a copy is no reason to end the stack.
 */
function keepSmall(file: string): void {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) <= MOST_LOG_BYTES) return;
  try {
    copyFileSync(file, `${file}.before`);
    truncateSync(file);
  } catch {
    // Tried again at the next look.
  }
}
