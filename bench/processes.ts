/**
 * Processes that a bench starts and ends, what they say, and what they take by Linux’s /proc. Knows nothing
 * of what they run.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { BenchError } from './errors.ts';

/** The last of what a process said, for the error when it ends too soon. */
const LAST_WORDS = 600;

export interface BenchProcess {
  readonly child: ChildProcess;
  /** Everything it wrote to standard output and error. */
  said(): string;
  /** Resolves with what `find` finds in what it says, or in its messages. */
  tells<T>(what: string, find: (said: string) => T | undefined): Promise<T>;
  hears<T>(what: string, find: (message: unknown) => T | undefined): Promise<T>;
  /** Asks it to end, as Ctrl-C does, and waits. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export function startProcess(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): BenchProcess {
  const child = spawn(program, args, {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      said += chunk;
      child.emit('said');
    });
  }
  // A bench that is ended leaves nothing running.
  const endWithBench = (): void => void child.kill('SIGTERM');
  process.once('exit', endWithBench);
  const gone = once(child, 'exit').finally(() => process.off('exit', endWithBench));
  gone.catch(() => {});
  const untilFound = <T>(
    what: string,
    event: string,
    look: (...args: unknown[]) => T | undefined,
  ) =>
    new Promise<T>((resolve, reject) => {
      const onEvent = (...args: unknown[]): void => {
        const found = look(...args);
        if (found === undefined) return;
        end();
        resolve(found);
      };
      const onEnd = (): void => {
        end();
        reject(
          new BenchError(
            `${program} ended before ${what}. Its last words:\n${said.slice(-LAST_WORDS)}`,
          ),
        );
      };
      const end = (): void => {
        child.off(event, onEvent);
        child.off('exit', onEnd);
      };
      child.on(event, onEvent);
      child.once('exit', onEnd);
      if (event === 'said') onEvent();
    });
  return {
    child,
    said: () => said,
    tells: (what, find) => untilFound(what, 'said', () => find(said)),
    hears: (what, find) => untilFound(what, 'message', (message) => find(message)),
    async stop(signal = 'SIGINT') {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      await gone;
    },
  };
}

/** Ticks of a second in /proc, on every Linux that Node runs on. */
const TICKS = 100;

/** Bytes. */
export interface Memory {
  /** Pages in memory, those shared with others counted in full for each process. */
  readonly resident: number;
  /** Shared pages count by the share of each process that uses them. */
  readonly proportional: number;
  /** Pages that no other process uses. */
  readonly private: number;
}

/** Of a process with all its descendants; undefined where there is no /proc or no such process. */
export async function memoryOf(pid: number): Promise<Memory | undefined> {
  const all = await Promise.all((await treeOf(pid)).map(readMemory));
  const there = all.filter((one) => one !== undefined);
  if (there.length === 0) return undefined;
  return there.reduce((a, b) => ({
    resident: a.resident + b.resident,
    proportional: a.proportional + b.proportional,
    private: a.private + b.private,
  }));
}

/** The larger of two in each. */
export function most(a: Memory | undefined, b: Memory | undefined): Memory | undefined {
  if (!a || !b) return a ?? b;
  return {
    resident: Math.max(a.resident, b.resident),
    proportional: Math.max(a.proportional, b.proportional),
    private: Math.max(a.private, b.private),
  };
}

async function readMemory(pid: number): Promise<Memory | undefined> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : parseRollup(text);
}

/** @param rollup the text of /proc/PID/smaps_rollup */
export function parseRollup(rollup: string): Memory {
  const bytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(rollup)?.[1] ?? 0) * 1024;
  return {
    resident: bytes('Rss'),
    proportional: bytes('Pss'),
    private: bytes('Private_Clean') + bytes('Private_Dirty'),
  };
}

/** Ms since 1970 at which a process was started; undefined where there is no /proc. */
export async function startedAt(pid: number): Promise<number | undefined> {
  try {
    const uptime = Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0]);
    const now = Date.now();
    const fields = await fieldsOf(pid);
    return now - (uptime - Number(fields[19]) / TICKS) * 1000;
  } catch {
    return undefined;
  }
}

/** Seconds of a processor that a process has used, its ended children not counted; undefined where there is no /proc. */
export async function processorSeconds(pid: number): Promise<number | undefined> {
  const fields = await fieldsOf(pid).catch(() => undefined);
  return fields && (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Its arguments; none once it has ended. */
export async function commandOf(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return text.split('\0').slice(0, -1);
}

/** A process and all below it, by Linux's /proc. */
export async function treeOf(root: number): Promise<number[]> {
  const entries = await readdir('/proc').catch(() => []);
  const parents = new Map<number, number>();
  for (const name of entries) {
    if (!/^\d+$/.test(name)) continue;
    const fields = await fieldsOf(Number(name)).catch(() => undefined);
    if (fields) parents.set(Number(name), Number(fields[1]));
  }
  const tree = [root];
  for (const pid of tree) {
    for (const [child, parent] of parents) if (parent === pid) tree.push(child);
  }
  return tree;
}

/** Of /proc/<pid>/stat, from the state on: the name before it may hold anything. */
async function fieldsOf(pid: number): Promise<string[]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
