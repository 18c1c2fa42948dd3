/** What a process and all below it take, by Linux's own books. Knows nothing of what they do. */
import { readdir, readFile } from 'node:fs/promises';

/** Ticks of a second in /proc, on every Linux that Node runs on. */
const TICKS = 100;
const MB = 1e6;

export interface Memory {
  /** Resident pages of every process, MB; those that two share count twice. */
  readonly resident: number;
  /** Pages that no other process has, MB: what one more worker costs. */
  readonly private: number;
}

/** @returns undefined where there is no /proc */
export async function memoryBelow(pid: number): Promise<Memory | undefined> {
  const pids = await treeOf(pid);
  const books = await Promise.all(
    pids.map((one) => readFile(`/proc/${one}/smaps_rollup`, 'utf8').catch(() => undefined)),
  );
  const read = books.filter((text) => text !== undefined);
  if (read.length === 0) return undefined;
  const sum = (name: string): number =>
    read.reduce((total, text) => total + kilobytes(text, name), 0) / (MB / 1024);
  return { resident: sum('Rss'), private: sum('Private_Clean') + sum('Private_Dirty') };
}

function kilobytes(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
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
