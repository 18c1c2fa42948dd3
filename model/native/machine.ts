/** What this machine is, and whether TensorFlow's library can run on it. Loads no library. */
import { readFileSync } from 'node:fs';
import { arch, platform } from 'node:os';

/** CPU flags that TensorFlow's x86 library is compiled for: without them it ends the process with SIGILL. */
const TENSORFLOW_FLAGS = ['avx'];

export interface Machine {
  readonly platform: string;
  readonly arch: string;
  /** Undefined on a Linux with another C library. */
  readonly glibc: string | undefined;
  /** The text of /proc/cpuinfo; empty if there is no such file. */
  readonly cpuinfo: string;
}

export function thisMachine(): Machine {
  // Without network peers: looking up their names can take minutes.
  const report = Object.assign(process.report, { excludeNetwork: true });
  const { header } = report.getReport() as { header: { glibcVersionRuntime?: string } };
  return {
    platform: platform(),
    arch: arch(),
    glibc: header.glibcVersionRuntime,
    cpuinfo: cpuinfoHere(),
  };
}

/** The text of /proc/cpuinfo; empty if there is no such file. */
export function cpuinfoHere(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}

/** Flags of the first processor; undefined if the text lists none, as on Arm. */
export function flagsIn(cpuinfo: string): readonly string[] | undefined {
  return /^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(/\s+/);
}

/** Why TensorFlow's library can never run on this machine; then nothing is tried and nothing downloaded. */
export function whyNever({ platform, glibc, cpuinfo, arch }: Machine): string | undefined {
  if (platform === 'linux' && glibc === undefined) {
    return "TensorFlow's library needs glibc, and this Linux has another C library, such as musl";
  }
  return whyNoTensorflow(cpuinfo, arch);
}

/**
 * Why TensorFlow's library cannot run on this processor; must be asked before the library is loaded.
 * @param cpuinfo the text of /proc/cpuinfo
 * @returns undefined if it can run, or if nothing is known about the processor
 */
export function whyNoTensorflow(
  cpuinfo: string = cpuinfoHere(),
  architecture: string = arch(),
): string | undefined {
  if (architecture !== 'x64') return undefined;
  const flags = flagsIn(cpuinfo);
  if (flags === undefined) return undefined;
  const missing = TENSORFLOW_FLAGS.filter((flag) => !flags.includes(flag));
  if (missing.length === 0) return undefined;
  return `TensorFlow's library needs ${missing.join(', ').toUpperCase()}, which this processor does not have`;
}
