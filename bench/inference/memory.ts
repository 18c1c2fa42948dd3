/** How much memory a process and all below it take, by Linux's /proc. */
import { readdir, readFile } from 'node:fs/promises';

/** Bytes. */
export interface Memory {
  /** Pages in memory, those shared with others counted in full for each process. */
  readonly resident: number;
  /** Shared pages counted by the share of each who uses them. */
  readonly proportional: number;
  /** Pages that nobody else uses. */
  readonly private: number;
}

/** Of a process with all its descendants; undefined where there is no /proc or no such process. */
export async function memoryOf(pid: number): Promise<Memory | undefined> {
  const all = await Promise.all((await withDescendants(pid)).map(readMemory));
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

async function withDescendants(pid: number): Promise<number[]> {
  const names = await readdir('/proc').catch(() => []);
  const children = new Map<number, number[]>();
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const all = [pid];
  for (let at = 0; at < all.length; at++) all.push(...(children.get(all[at]!) ?? []));
  return all;
}
