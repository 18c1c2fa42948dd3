/**
 * What `auto` stands for on this machine: what a trial says, which is made once for each machine and kept.
 * Knows neither networks nor photos.
 */
import { hasBfloat16Matrices, multipliesBfloat16 } from '../backend/processor.ts';
import { runTrial } from '../backend/trial.ts';
import { BackendError, ModelError } from '../errors.ts';
import type { Manifest } from '../format.ts';
import { cpuinfoHere } from '../native/cpuinfo.ts';
import { loadAddon } from '../native/load.ts';
import { TENSORFLOW_VERSION } from '../native/places.ts';
import type { LoadOptions } from '../recognition.ts';
import { type Choice, fasterOf } from './choice.ts';
import { timingsOf } from './kept-timings.ts';
import { isSameMachine, machineOf, type Timings } from './timings.ts';

export interface FastestOptions {
  readonly threads: number;
  /** Where timings are kept; default: the user's cache. */
  readonly cache?: string | undefined;
}

export const ON_WASM = 'all that wasm computes in';

/** The precision that is asked for, or what `auto` comes to. */
export async function choosePrecision(
  directory: string,
  manifest: Manifest,
  { precision, backend, threads = 1 }: Pick<LoadOptions, 'precision' | 'backend' | 'threads'>,
): Promise<Choice> {
  if (precision !== undefined && precision !== 'auto') return { precision, reason: 'as set' };
  if (backend === 'wasm') return { precision: 'float32', reason: ON_WASM };
  return fastestPrecision(directory, manifest, { threads });
}

/**
 * The faster precision of the model in `directory` on tensorflow. Nothing is measured where bfloat16 is
 * out of the question, nor where the timings of this machine are known: from the conversion, which the
 * manifest holds, or from an earlier start.
 */
export async function fastestPrecision(
  directory: string,
  { bfloat16Bound, secondLooks, timings: converted }: Manifest,
  { threads, cache }: FastestOptions,
): Promise<Choice> {
  if (bfloat16Bound === undefined) {
    return { precision: 'float32', reason: 'the model has no bfloat16 encoder of known error' };
  }
  const cpuinfo = cpuinfoHere();
  if (!multipliesBfloat16(cpuinfo)) {
    return { precision: 'float32', reason: 'this processor has no bfloat16 instructions' };
  }
  const machine = machineOf(cpuinfo, { threads, tensorflow: TENSORFLOW_VERSION });
  if (converted !== undefined && isSameMachine(converted.machine, machine)) {
    return fasterOf(converted, secondLooks);
  }
  try {
    // It is needed in any case, and others need not wait while this process loads it.
    loadAddon(threads);
    const timings = await timingsOf(machine, () => runTrial(directory, threads), cache);
    return fasterOf(timings, secondLooks);
  } catch (error) {
    // Opening the model says the same, or goes on with wasm.
    if (!(error instanceof BackendError || error instanceof ModelError)) throw error;
    return {
      precision: hasBfloat16Matrices(cpuinfo) ? 'bfloat16' : 'float32',
      reason: 'by the processor’s flags, since no trial could be made',
    };
  }
}

/**
 * A trial of a model that was just written, for its manifest.
 * @returns undefined where bfloat16 is out of the question
 */
export function trialOf(directory: string, threads: number): Timings | undefined {
  const cpuinfo = cpuinfoHere();
  if (!multipliesBfloat16(cpuinfo)) return undefined;
  return {
    machine: machineOf(cpuinfo, { threads, tensorflow: TENSORFLOW_VERSION }),
    ...runTrial(directory, threads),
  };
}
