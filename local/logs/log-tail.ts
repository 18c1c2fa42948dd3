/**
 * Continues reading a log file, also after it was rotated: local/processes/child.ts copies a
 * log that is too long beside it and empties it. Knows nothing about what the lines say.
 */
import { type FileHandle, open } from 'node:fs/promises';

/** Beside a log: what stood in it before. */
export const BEFORE = '.before';
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

export class LogTail {
  readonly #path: string;
  #at = 0;
  #head: Buffer | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Lines that were not read before; at first also those that stood there before it was begun anew. */
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
