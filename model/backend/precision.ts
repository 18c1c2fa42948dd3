/** Which precision pays on this machine's processor. Knows processors by their flags only. */
import { readFileSync } from 'node:fs';
import type { Precision } from '../format.ts';

/** Flags of x86 processors that multiply bfloat16 themselves; on others that graph is slower, not faster. */
const FLAGS = ['amx_bf16', 'avx512_bf16'];

/** @param cpuinfo the text of /proc/cpuinfo */
export function fastestPrecision(cpuinfo: string): Precision {
  const flags = /^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(/\s+/) ?? [];
  return FLAGS.some((flag) => flags.includes(flag)) ? 'bfloat16' : 'float32';
}

/** The same of this machine; float32 where there is no /proc. */
export function fastestPrecisionHere(): Precision {
  try {
    return fastestPrecision(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    return 'float32';
  }
}
