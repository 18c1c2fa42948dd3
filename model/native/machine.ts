/** What of a machine decides whether, and which, TensorFlow library runs on it. */
import { arch, platform } from 'node:os';
import { cpuinfoHere, whyNoTensorflow } from './cpuinfo.ts';

export interface Machine {
  readonly platform: string;
  readonly arch: string;
  /** Undefined on a Linux with another C library. */
  readonly glibc: string | undefined;
  /** The text of /proc/cpuinfo; empty where there is none. */
  readonly cpuinfo: string;
}

export function thisMachine(): Machine {
  // Without the names of network peers, whose look-up can take minutes.
  const report = Object.assign(process.report, { excludeNetwork: true });
  const { header } = report.getReport() as { header: { glibcVersionRuntime?: string } };
  return {
    platform: platform(),
    arch: arch(),
    glibc: header.glibcVersionRuntime,
    cpuinfo: cpuinfoHere(),
  };
}

/** Why TensorFlow's library cannot run on a machine at all, so that no way is tried and nothing downloaded. */
export function whyNever({ platform, glibc, cpuinfo, arch }: Machine): string | undefined {
  if (platform === 'linux' && glibc === undefined) {
    return "TensorFlow's library needs glibc, and this Linux has another C library, such as musl";
  }
  return whyNoTensorflow(cpuinfo, arch);
}
