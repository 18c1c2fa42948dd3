/**
 * Reads what the services of a local stack have logged: lines of JSON in a folder of files, each read on
 * from where it was left. Knows nothing about terminals.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BEFORE, LogTail } from './log-tail.ts';

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type Level = (typeof levels)[number];

const lineSchema = z.looseObject({
  time: z.iso.datetime(),
  level: z.enum(levels),
  service: z.string(),
  request: z.string().optional(),
  instance: z.string().optional(),
  msg: z.string().optional(),
});
export type LogLine = z.output<typeof lineSchema>;

export interface LogFilter {
  /** A request id, or how one begins. */
  readonly request?: string | undefined;
  /** `web`, `worker` or `scaler`. */
  readonly service?: string | undefined;
  /** The least that is shown. */
  readonly level?: Level | undefined;
  /** ms since 1970; what is older is left out. */
  readonly since?: number | undefined;
}

export class LogFiles {
  readonly #folder: string;
  readonly #filter: LogFilter;
  readonly #tails = new Map<string, LogTail>();

  constructor(folder: string, filter: LogFilter) {
    this.#folder = folder;
    this.#filter = filter;
  }

  /**
   * Lines that were not read before, in the order of their time; none where there is no folder. What is
   * no line of a service (Redis, a stack trace of Node) is passed over.
   */
  async next(): Promise<LogLine[]> {
    const lines: LogLine[] = [];
    for (const name of await logNames(this.#folder)) {
      const tail = this.#tails.get(name) ?? new LogTail(join(this.#folder, name));
      this.#tails.set(name, tail);
      for (const text of await tail.next()) {
        const line = parsed(text);
        if (line !== undefined && this.#wants(line)) lines.push(line);
      }
    }
    return lines.sort((a, b) => Date.parse(a.time) - Date.parse(b.time));
  }

  #wants({ request, service, level, time }: LogLine): boolean {
    const wish = this.#filter;
    return (
      (wish.request === undefined || request?.startsWith(wish.request) === true) &&
      (wish.service === undefined || service === wish.service) &&
      (wish.level === undefined || levels.indexOf(level) >= levels.indexOf(wish.level)) &&
      (wish.since === undefined || Date.parse(time) >= wish.since)
    );
  }
}

/** Of the logs, whether or not more is left of one than what stood in it before. */
async function logNames(folder: string): Promise<Set<string>> {
  try {
    const names = (await readdir(folder)).map((name) =>
      name.endsWith(BEFORE) ? name.slice(0, -BEFORE.length) : name,
    );
    return new Set(names.filter((name) => name.endsWith('.log')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Set();
    throw error;
  }
}

function parsed(text: string): LogLine | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return lineSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // Cut off when its process was killed.
  }
}

/** One line for a person: when, who, what, and the rest as it is. */
export function lineForPeople(line: LogLine): string {
  const { time, level, service, instance, msg = '', pid: _, request, ...rest } = line;
  const who = instance === undefined ? service : `${service} ${instance}`;
  const fields = Object.entries(rest).map(([name, value]) => `${name}=${fieldOf(value)}`);
  const loud = level === 'info' ? '' : `${level.toUpperCase()} `;
  const whose = request === undefined ? '' : `[${request.slice(0, 8)}] `;
  return `${time.slice(11, 23)}  ${who.padEnd(26)}  ${whose}${loud}${[msg, ...fields].join('  ')}`;
}

function fieldOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
