/** The encoder of a model's folder on the project's own kernels. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../runtime/errors.ts';
import { commandLine } from '../../runtime/installation.ts';
import { ModelError } from '../errors.ts';
import { manifestSchema, modelFiles, type Precision } from '../format.ts';
import {
  type OwnEncoderOptions,
  openOwnEncoder,
  ownKernelsCompute,
  readPlan,
} from '../native/encoder/encoder-addon.ts';
import { cpuinfoHere } from '../native/machine.ts';
import { hasBfloat16Matrices } from './processor.ts';
import type { OutputTensor } from './session.ts';

/** Whose kernels compute the encoder: TensorFlow's, or the project's own, with vectors or by AMX. */
export type Kernels = 'own' | 'amx' | 'tensorflow';
export type KernelsByPrecision = Readonly<Record<Precision, Kernels>>;

const files: Record<Precision, { readonly plan: string; readonly weights: string }> = {
  float32: { plan: modelFiles.encoderPlan, weights: modelFiles.encoderWeights },
  bfloat16: { plan: modelFiles.bfloat16Plan, weights: modelFiles.bfloat16Weights },
};

/**
 * The faster kernels as far as the processor's flags tell. With AMX, TensorFlow's were measured; the own ones must
 * win a trial.
 * @param cpuinfo the text of /proc/cpuinfo
 */
export function usualKernels(cpuinfo: string): KernelsByPrecision {
  const own = ownKernelsCompute('bfloat16', cpuinfo) && !hasBfloat16Matrices(cpuinfo);
  return { float32: 'own', bfloat16: own ? 'own' : 'tensorflow' };
}

/**
 * @returns undefined where the model has no plan for them (weights that are not stored as float32), or the kernels
 * do not run here
 * @throws {ModelError} when the plan or the weights cannot be read
 */
export function ownEncoderOf(
  directory: string,
  precision: Precision,
  options: OwnEncoderOptions = {},
): ((faces: Float32Array, count: number) => OutputTensor) | undefined {
  const path = join(directory, files[precision].plan);
  if (!existsSync(path)) return undefined;
  try {
    const weights = join(directory, files[precision].weights);
    const weightsHash = () => hashIn(directory, files[precision].weights);
    const run = openOwnEncoder(readPlan(path), weights, cpuinfoHere(), { ...options, weightsHash });
    if (run === undefined) return undefined;
    return (faces, count) => {
      const data = run(faces, count);
      return { data, shape: [count, data.length / count] };
    };
  } catch (cause) {
    throw new ModelError(
      `${path} cannot be loaded (${messageOf(cause).split('\n')[0]}): convert the model again with \`${commandLine('convert')}\`.`,
      { cause },
    );
  }
}

/** Undefined while a conversion tries a model that has no manifest yet. */
function hashIn(directory: string, file: string): string | undefined {
  const path = join(directory, modelFiles.manifest);
  if (!existsSync(path)) return undefined;
  const { outputs } = manifestSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  return outputs.find((output) => output.file === file)?.sha256;
}
