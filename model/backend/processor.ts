/** Which precision and which operations are fastest on a processor, by its flags. */
import { userOneDnnSetting } from '../native/load.ts';
import { cpuinfoHere, flagsIn } from '../native/machine.ts';

/** Flags of x86 processors with bfloat16 instructions; without them the bfloat16 graph is three times slower. */
const BFLOAT16 = ['amx_bf16', 'avx512_bf16'];
/** Flags with which TensorFlow uses oneDNN by default (tsl/platform: IsOneDnnEnabled). */
const ONEDNN = [...BFLOAT16, 'avx512_vnni', 'avx_vnni', 'amx_tile', 'amx_int8'];

/**
 * Whether bfloat16 may be faster than float32; a trial decides.
 * @param cpuinfo the text of /proc/cpuinfo
 */
export function multipliesBfloat16(cpuinfo: string): boolean {
  return hasOneOf(cpuinfo, BFLOAT16);
}

/** Whether bfloat16 is certainly faster, by a factor of about three. A trial finds its fastest kernels. */
export function hasBfloat16Matrices(cpuinfo: string): boolean {
  return hasOneOf(cpuinfo, ['amx_bf16']);
}

/**
 * Whether oneDNN's operations are the best for the encoder. On other processors TensorFlow's own are as fast
 * and take less memory.
 * @param setting TF_ENABLE_ONEDNN_OPTS, TensorFlow's own switch
 */
export function usesOneDnn(cpuinfo: string, setting: string | undefined): boolean {
  if (setting === '0' || setting === '1') return setting === '1';
  return hasOneOf(cpuinfo, ONEDNN);
}

/**
 * Whether oneDNN's operations are the best for detection: with few channels, TensorFlow's own operations do
 * not make good use of a processor's vectors.
 */
export function detectsWithOneDnn(cpuinfo: string, setting: string | undefined): boolean {
  return setting !== '0' && hasOneOf(cpuinfo, ['avx2']);
}

export function usesOneDnnHere(): boolean {
  return usesOneDnn(cpuinfoHere(), userOneDnnSetting);
}

export function detectsWithOneDnnHere(): boolean {
  return detectsWithOneDnn(cpuinfoHere(), userOneDnnSetting);
}

function hasOneOf(cpuinfo: string, wanted: readonly string[]): boolean {
  const flags = flagsIn(cpuinfo) ?? [];
  return wanted.some((flag) => flags.includes(flag));
}
