/** What pays on this machine's processor. Knows processors by their flags only. */
import { cpuinfoHere, flagsIn } from '../native/machine.ts';

/** Flags of x86 processors that multiply bfloat16 themselves; on others that graph is three times as slow. */
const BFLOAT16 = ['amx_bf16', 'avx512_bf16'];
/** Those for which TensorFlow computes with oneDNN by itself (tsl/platform: IsOneDnnEnabled). */
const ONEDNN = [...BFLOAT16, 'avx512_vnni', 'avx_vnni', 'amx_tile', 'amx_int8'];

/** As it was when this program started: loading the library sets it. */
const WISH = process.env.TF_ENABLE_ONEDNN_OPTS;

/**
 * Whether bfloat16 may be faster than float32: a trial says whether it is.
 * @param cpuinfo the text of /proc/cpuinfo
 */
export function multipliesBfloat16(cpuinfo: string): boolean {
  return hasOneOf(cpuinfo, BFLOAT16);
}

/** Whether bfloat16 is surely faster, by about three times, without a trial. */
export function hasBfloat16Matrices(cpuinfo: string): boolean {
  return hasOneOf(cpuinfo, ['amx_bf16']);
}

/**
 * Whether the encoder is best computed by oneDNN's operations. Elsewhere TensorFlow's own are as fast
 * and take less memory.
 * @param wish TF_ENABLE_ONEDNN_OPTS, TensorFlow's own switch
 */
export function usesOneDnn(cpuinfo: string, wish: string | undefined): boolean {
  if (wish === '0' || wish === '1') return wish === '1';
  return hasOneOf(cpuinfo, ONEDNN);
}

/**
 * Whether detection is best computed by oneDNN's operations: few channels, for which TensorFlow's own do
 * not use a processor's vectors well.
 */
export function detectsWithOneDnn(cpuinfo: string, wish: string | undefined): boolean {
  return wish !== '0' && hasOneOf(cpuinfo, ['avx2']);
}

export function usesOneDnnHere(): boolean {
  return usesOneDnn(cpuinfoHere(), WISH);
}

export function detectsWithOneDnnHere(): boolean {
  return detectsWithOneDnn(cpuinfoHere(), WISH);
}

function hasOneOf(cpuinfo: string, wanted: readonly string[]): boolean {
  const flags = flagsIn(cpuinfo) ?? [];
  return wanted.some((flag) => flags.includes(flag));
}
