/** The float32 encoder of a model's folder on the project's own kernels. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../runtime/errors.ts';
import { commandLine } from '../../runtime/installation.ts';
import { ModelError } from '../errors.ts';
import { modelFiles } from '../format.ts';
import { openOwnEncoder, readPlan } from '../native/encoder/encoder-addon.ts';
import { cpuinfoHere } from '../native/machine.ts';
import type { OutputTensor } from './session.ts';

/** Whose kernels compute the float32 encoder. */
export type Kernels = 'own' | 'tensorflow';

/**
 * @returns undefined where the model's weights are not stored as float32, or the kernels do not run here
 * @throws {ModelError} when the plan or the weights cannot be read
 */
export function ownEncoderOf(
  directory: string,
): ((faces: Float32Array, count: number) => OutputTensor) | undefined {
  const path = join(directory, modelFiles.encoderPlan);
  if (!existsSync(path)) return undefined;
  try {
    const weights = join(directory, modelFiles.encoderWeights);
    const run = openOwnEncoder(readPlan(path), weights, cpuinfoHere());
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
