/** How fast each precision was in a trial, and on which machine. */
import { z } from 'zod';

/** Increased whenever the layers of the trial change, so that earlier timings are not compared. */
const TRIAL_VERSION = 4;

/** Everything that the encoder's speed depends on: a trial is repeated if any of it differs. */
export const trialMachineSchema = z.object({
  trial: z.literal(TRIAL_VERSION),
  /** Model name, family, model and stepping, as in /proc/cpuinfo. */
  processor: z.string(),
  /** The flags that stand for vector and matrix instructions. */
  features: z.string(),
  tensorflow: z.string(),
  threads: z.int().positive(),
  /** oneDNN's own setting, which makes it ignore instructions. */
  instructions: z.string(),
  /** The own kernels that run: none where their addon was not compiled. */
  own: z.string(),
});
export type TrialMachine = z.output<typeof trialMachineSchema>;

/** The result of a trial. */
const trialTimesSchema = z.object({
  /** ms of the trial's layers, which are about an eighth of the encoder, by TensorFlow's kernels */
  float32: z.number().positive(),
  /** the same by the project's own kernels; null if they do not run here */
  own: z.number().positive().nullable(),
  /** the same in bfloat16, by TensorFlow's kernels; null if bfloat16 does not run here */
  bfloat16: z.number().positive().nullable(),
  /** the same by the project's own kernels; null if they do not run here */
  ownBfloat16: z.number().positive().nullable(),
  /** the same by those that use AMX; null if they do not run here */
  amx: z.number().positive().nullable(),
});
export type TrialTimes = z.output<typeof trialTimesSchema>;

export const trialTimingsSchema = trialTimesSchema.extend({ machine: trialMachineSchema });
export type TrialTimings = z.output<typeof trialTimingsSchema>;

/** @param cpuinfo the text of /proc/cpuinfo */
export function trialMachineOf(
  cpuinfo: string,
  { threads, tensorflow, own }: Pick<TrialMachine, 'threads' | 'tensorflow' | 'own'>,
  environment: NodeJS.ProcessEnv = process.env,
): TrialMachine {
  const field = (name: string): string =>
    new RegExp(`^${name}\\s*:\\s*(.*)$`, 'm').exec(cpuinfo)?.[1]?.trim() ?? '?';
  const kind = ['cpu family', 'model', 'stepping'].map(field).join('/');
  return {
    trial: TRIAL_VERSION,
    processor: `${field('model name')} (${kind})`,
    features: field('flags')
      .split(/\s+/)
      .filter((flag) => /^(?:avx|amx|fma|f16c)/.test(flag))
      .sort()
      .join(' '),
    tensorflow,
    threads,
    instructions: environment.ONEDNN_MAX_CPU_ISA ?? environment.DNNL_MAX_CPU_ISA ?? '',
    own,
  };
}

export function isSameTrialMachine(a: TrialMachine, b: TrialMachine): boolean {
  return trialMachineKey(a) === trialMachineKey(b);
}

/** Equal for equal machines. */
export function trialMachineKey(machine: TrialMachine): string {
  return JSON.stringify(Object.entries(machine).sort(([a], [b]) => (a < b ? -1 : 1)));
}
