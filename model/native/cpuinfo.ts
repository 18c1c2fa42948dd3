/** What the processor can do, by the flags that Linux names. */
import { readFileSync } from 'node:fs';
import { arch } from 'node:os';

/** What TensorFlow's library is compiled for on x86: it runs into SIGILL on a processor without. */
const TENSORFLOW_NEEDS = ['avx'];

/** The text of /proc/cpuinfo; empty where there is none. */
export function cpuinfoHere(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}

/** Flags of the first processor; undefined where the text names none, as on Arm. */
export function flagsIn(cpuinfo: string): readonly string[] | undefined {
  return /^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(/\s+/);
}

/**
 * Why TensorFlow's library cannot run on this processor, to be asked before it is loaded.
 * @param cpuinfo the text of /proc/cpuinfo
 * @returns undefined where it can run, and where nothing is known of the processor
 */
export function whyNoTensorflow(
  cpuinfo: string = cpuinfoHere(),
  architecture: string = arch(),
): string | undefined {
  if (architecture !== 'x64') return undefined;
  const flags = flagsIn(cpuinfo);
  if (flags === undefined) return undefined;
  const missing = TENSORFLOW_NEEDS.filter((flag) => !flags.includes(flag));
  if (missing.length === 0) return undefined;
  return `TensorFlow's library needs ${missing.join(', ').toUpperCase()}, which this processor does not have`;
}
