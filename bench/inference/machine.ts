/** Describes the machine: processor, features, cores and memory; and the size of folders. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { join, relative } from 'node:path';
import { findProgram } from '../../model/native/run.ts';

export interface Machine {
  readonly processor: string;
  /** The flags that decide how fast a convolution can be. */
  readonly features: readonly string[];
  readonly cores: number;
  readonly memoryGb: number;
  /** Whether the processor has bfloat16 instructions. */
  readonly bfloat16: boolean;
  /** Whether processes can be pinned to cores. */
  readonly pinning: boolean;
}

const TELLING = [
  'avx2',
  'avx512f',
  'avx512_vnni',
  'avx512_bf16',
  'amx_bf16',
  'asimd',
  'bf16',
  'sve',
];
const BFLOAT16 = ['amx_bf16', 'avx512_bf16', 'bf16'];

export async function describeMachine(): Promise<Machine> {
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const { processor, flags } = parseProcessor(text);
  return {
    processor,
    features: TELLING.filter((flag) => flags.has(flag)),
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 1e9),
    bfloat16: BFLOAT16.some((flag) => flags.has(flag)),
    pinning: (await findProgram([['taskset']])) !== undefined,
  };
}

/** @param cpuinfo the text of /proc/cpuinfo; empty if there is no such file */
export function parseProcessor(cpuinfo: string): { processor: string; flags: ReadonlySet<string> } {
  const field = (name: string): string | undefined =>
    new RegExp(`^${name}\\s*:\\s*(.*)$`, 'm').exec(cpuinfo)?.[1]?.trim();
  return {
    processor: field('model name') ?? process.arch,
    flags: new Set((field('flags') ?? field('Features') ?? '').split(/\s+/)),
  };
}

/** The last `threads` cores, for taskset: the first ones handle most interrupts. */
export function coresFor({ cores, pinning }: Machine, threads: number): string | undefined {
  if (!pinning || threads >= cores) return undefined;
  return threads === 1 ? String(cores - 1) : `${cores - threads}-${cores - 1}`;
}

/** Bytes of every file below the folder. */
export async function sizesIn(folder: string): Promise<Record<string, number>> {
  const sizes: Record<string, number> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    sizes[relative(folder, path)] = (await stat(path)).size;
  }
  return sizes;
}
