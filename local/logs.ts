/**
 * Reads what the services of a local stack have logged: lines of JSON in a folder of files, each read on from
 * where it was left, also after it was rotated (local/processes/child.ts). Knows no terminal.
 */
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

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

/** One line for a person: time, service, message, and all other fields unchanged. */
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

/** Beside a log: what stood in it before. */
const BEFORE = '.before';
/** Bytes that are read at once: a file may have ten megabytes. */
const CHUNK = 256 * 1024;
/** With the time of its first line in it, the head of a log is that of no other. */
const HEAD_BYTES = 512;
const NEWLINE = 0x0a;

interface Part {
  readonly lines: string[];
  /** Where the first line begins that has no end yet. */
  readonly at: number;
}

class LogTail {
  readonly #path: string;
  #at = 0;
  #head: Buffer | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Lines that were not read before; the first time also those from before it was rotated. */
  async next(): Promise<string[]> {
    await using log = await openIfThere(this.#path);
    // The size first: emptied in between, it has another head, and what was in it is found in the copy.
    const size = await sizeOf(log);
    const head = await headOf(log);
    const earlier: string[] = [];
    if (this.#head === undefined) {
      earlier.push(...(await this.#copied(0, (copy) => !startsWith(head, copy))));
    } else if (size < this.#at || !startsWith(head, this.#head)) {
      const was = this.#head;
      earlier.push(...(await this.#copied(this.#at, (copy) => startsWith(copy, was))));
      this.#at = 0;
    }
    this.#head = head;
    const { lines, at } = await linesFrom(log, this.#at, size);
    this.#at = at;
    return [...earlier, ...lines];
  }

  /** Lines of the copy from there on, if it is the right one by its head. */
  async #copied(at: number, isRight: (head: Buffer) => boolean): Promise<string[]> {
    await using copy = await openIfThere(this.#path + BEFORE);
    if (!isRight(await headOf(copy))) return [];
    return (await linesFrom(copy, at, await sizeOf(copy))).lines;
  }
}

/** What is written after its size was taken is for the next time. */
async function linesFrom(file: FileHandle | undefined, from: number, size: number): Promise<Part> {
  const lines: string[] = [];
  let at = from;
  let rest = Buffer.alloc(0);
  while (file && at + rest.length < size) {
    const { bytesRead, buffer } = await file.read({
      buffer: Buffer.alloc(CHUNK),
      position: at + rest.length,
    });
    if (bytesRead === 0) break;
    rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
    const end = rest.lastIndexOf(NEWLINE) + 1;
    lines.push(...rest.subarray(0, end).toString().split('\n'));
    at += end;
    rest = rest.subarray(end);
  }
  return { lines, at };
}

async function sizeOf(file: FileHandle | undefined): Promise<number> {
  return file === undefined ? 0 : (await file.stat()).size;
}

async function headOf(file: FileHandle | undefined): Promise<Buffer> {
  const buffer = Buffer.alloc(HEAD_BYTES);
  if (file === undefined) return buffer.subarray(0, 0);
  const { bytesRead } = await file.read({ buffer, position: 0 });
  return buffer.subarray(0, bytesRead);
}

function startsWith(bytes: Buffer, beginning: Buffer): boolean {
  return bytes.subarray(0, beginning.length).equals(beginning);
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
