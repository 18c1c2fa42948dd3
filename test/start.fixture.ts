/** The whole system, started as a person starts it: one command, its own ports and data folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { until } from './condition.fixture.ts';

const COMMAND_LINE = fileURLToPath(new URL('../elastic-face.ts', import.meta.url));
/** A first start converts the model. */
const READY_MS = 180_000;

export interface StartedSystem {
  readonly pid: number;
  /** Ends with a slash. */
  readonly url: string;
  readonly cloudUrl: string;
  /** Everything it said so far. */
  said(): string;
  /** Sends SIGINT, as Ctrl-C does, and gives the exit code. */
  stop(): Promise<number | null>;
}

/** @param program the command line to start it with; default: this checkout's */
export async function startSystem(
  environment: Record<string, string>,
  program: string = COMMAND_LINE,
): Promise<StartedSystem> {
  const child: ChildProcess = spawn(process.execPath, [program, 'start'], {
    env: { ...process.env, PORT: '0', LOCAL_CLOUD_PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      said += chunk;
    });
  }
  const exited = once(child, 'exit');
  const ready = await until(
    'the ready line',
    () => {
      if (child.exitCode !== null) throw new Error(`start ended with ${child.exitCode}:\n${said}`);
      const web = /Ready: (http:\S+)/.exec(said)?.[1];
      const cloud = /AWS_ENDPOINT_URL=(http:\S+)/.exec(said)?.[1];
      return web !== undefined && cloud !== undefined && { web, cloud };
    },
    { limitMs: READY_MS },
  );
  return {
    pid: child.pid as number,
    url: `${ready.web}/`,
    cloudUrl: ready.cloud,
    said: () => said,
    async stop() {
      child.kill('SIGINT');
      const [code] = await exited;
      return code;
    },
  };
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Every process below `pid`, however deep, by Linux's /proc. */
export async function processesBelow(pid: number): Promise<Process[]> {
  const all = await allProcesses();
  const below: Process[] = [];
  const parents = [pid];
  for (let parent = parents.pop(); parent !== undefined; parent = parents.pop()) {
    for (const one of all.filter((candidate) => candidate.parent === parent)) {
      below.push(one);
      parents.push(one.pid);
    }
  }
  return below;
}

/** Whether a process is there and no zombie. */
export async function isAlive(pid: number): Promise<boolean> {
  return (await allProcesses()).some((one) => one.pid === pid);
}

async function allProcesses(): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const read = pids.map(async (pid): Promise<Process | undefined> => {
    try {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state === 'Z') return undefined;
      const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
      return { pid: Number(pid), parent: Number(parent), command };
    } catch {
      return undefined; // Gone between the two looks.
    }
  });
  return (await Promise.all(read)).filter((one) => one !== undefined);
}
