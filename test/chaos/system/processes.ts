/**
 * The processes below one, by the operating system’s own list, and one that is kept up, as systemd’s
 * `Restart=always` does. Knows nothing of what they do.
 */
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

const run = promisify(execFile);
const MOST_OUTPUT_BYTES = 16 * 1024 * 1024;

/** Every process that is no zombie. */
export async function listProcesses(): Promise<Process[]> {
  const { stdout } = await run('ps', ['-A', '-ww', '-o', 'pid=,ppid=,stat=,args='], {
    maxBuffer: MOST_OUTPUT_BYTES,
  });
  return stdout.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line);
    if (match === null || match[3]!.startsWith('Z')) return [];
    return [{ pid: Number(match[1]), parent: Number(match[2]), command: match[4]! }];
  });
}

/** Every process below `pid`, however deep. */
export function below(pid: number, all: readonly Process[]): Process[] {
  const found: Process[] = [];
  const parents = [pid];
  for (let parent = parents.pop(); parent !== undefined; parent = parents.pop()) {
    for (const one of all) {
      if (one.parent !== parent) continue;
      found.push(one);
      parents.push(one.pid);
    }
  }
  return found;
}

/** Those of `seen` that still run, in words. */
export async function strays(seen: ReadonlyMap<number, Process>): Promise<string[]> {
  const left = (await listProcesses()).filter(
    ({ pid, command }) => seen.get(pid)?.command === command && !command.startsWith('ps '),
  );
  return left.map(({ pid, command }) => `process ${pid} is still there: ${command.slice(0, 100)}`);
}

/** @returns whether there was such a process */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

export interface Running {
  readonly pid: number;
  /** Resolves, never rejects, when it is gone; the text says how it ended. */
  readonly gone: Promise<string>;
  /** Asks it to stop, and insists after a while. */
  stop(): void;
}

export interface Supervised {
  /** Undefined while it is between two lives. */
  readonly pid: number | undefined;
  /** Its lives that have ended, each with how. */
  readonly ends: readonly { readonly at: number; readonly how: string }[];
  stop(): Promise<void>;
}

/** systemd's RestartSec, here shorter than its usual choice, so that a run meets more faults. */
const RESTART_MS = 500;

/**
 * @param start begins one life
 * @throws what the first start throws
 */
export async function supervise(
  start: () => Promise<Running>,
  { restartMs = RESTART_MS }: { restartMs?: number } = {},
): Promise<Supervised> {
  let running: Running | undefined = await start();
  const ends: { at: number; how: string }[] = [];
  const stopping = new AbortController();
  const keep = async (): Promise<void> => {
    while (running !== undefined) {
      const how = await running.gone;
      ends.push({ at: performance.now(), how });
      running = undefined;
      while (running === undefined && !stopping.signal.aborted) {
        await delay(restartMs, undefined, { signal: stopping.signal }).catch(() => undefined);
        if (stopping.signal.aborted) return;
        // What cannot be started now is tried again, as systemd does.
        running = await start().catch(() => undefined);
        if (stopping.signal.aborted) running?.stop();
      }
    }
  };
  const kept = keep();
  return {
    get pid() {
      return running?.pid;
    },
    ends,
    async stop() {
      stopping.abort();
      running?.stop();
      await kept;
    },
  };
}
