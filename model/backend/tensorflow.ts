/** The model as one TensorFlow session: tfjs-node runs the SavedModel's signatures. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';
import { messageOf } from '../../runtime/errors.ts';
import { ModelError } from '../errors.ts';
import { BFLOAT16_FOLDER, modelFiles, type Precision } from '../format.ts';
import { loadTfjsNode, type TfjsNode } from '../native/load.ts';
import { makeCurrent } from './current.ts';
import type { OutputTensor, Session, Signature } from './session.ts';

const TAG = 'serve';

type SavedModel = Awaited<ReturnType<TfjsNode['node']['loadSavedModel']>>;

/**
 * @param threads of one operation; the first call in a process settles it
 * @param precision bfloat16 loads that encoder beside the float32 one
 * @throws {BackendError} when tfjs-node does not load
 * @throws {ModelError} when the folder's SavedModel cannot be read
 */
export async function openTensorflow(
  directory: string,
  threads: number,
  precision: Precision,
): Promise<Session> {
  const tf = loadTfjsNode(threads);
  const models = await loadSignatures(tf, directory, precision);
  return {
    backend: 'tensorflow',
    blocks: true,
    precision,
    run(signature, input, outputs) {
      makeCurrent(tf, 'tensorflow');
      const tensor = tf.tensor4d(input.data, input.shape);
      let named: NamedTensorMap = {};
      try {
        const model = models[signature];
        if (model === undefined) throw new Error(`The network ${signature} is not loaded.`);
        const results = model.predict({ [input.name]: tensor });
        named = byName(results as unknown as Tensor | NamedTensorMap, outputs[0]);
        const read = {} as Record<(typeof outputs)[number], OutputTensor>;
        for (const name of outputs) {
          const result = named[name] as Tensor;
          read[name] = { data: result.dataSync() as Float32Array, shape: result.shape };
        }
        return read;
      } finally {
        tf.dispose([tensor, named]);
      }
    },
    dispose() {
      for (const model of Object.values(models)) model.dispose();
    },
  };
}

async function loadSignatures(
  tf: TfjsNode,
  directory: string,
  precision: Precision,
): Promise<Partial<Record<Signature, SavedModel>>> {
  const { savedModel, weights, bfloat16, bfloat16Weights } = modelFiles;
  const rough = precision === 'bfloat16';
  for (const file of [savedModel, weights, ...(rough ? [bfloat16, bfloat16Weights] : [])]) {
    await check(directory, file);
  }
  const models: SavedModel[] = [];
  const load = async (signature: Signature, path = directory): Promise<SavedModel> => {
    makeCurrent(tf, 'tensorflow');
    const model = await tf.node.loadSavedModel(path, [TAG], signature);
    models.push(model);
    return model;
  };
  try {
    // One after the other: only a path that is loaded already shares its session with the next.
    const pnet = await load('pnet');
    const pnet_blocks = await load('pnet_blocks');
    const rnet = await load('rnet');
    const onet = await load('onet');
    const encoder = await load('encoder');
    const bfloat16Folder = join(directory, BFLOAT16_FOLDER);
    const encoder_bfloat16 = rough ? await load('encoder', bfloat16Folder) : undefined;
    return { pnet, pnet_blocks, rnet, onet, encoder, ...(rough && { encoder_bfloat16 }) };
  } catch (cause) {
    for (const model of models) model.dispose();
    const [reason] = messageOf(cause).split('\n');
    throw new ModelError(
      `The SavedModel in ${directory} cannot be loaded (${reason}): convert it anew with \`npm run convert\`.`,
      { cause },
    );
  }
}

/** tfjs-node answers with a bare tensor where a signature has one output. */
function byName(results: Tensor | NamedTensorMap, only: string | undefined): NamedTensorMap {
  return 'dataSync' in results ? { [only ?? '']: results as Tensor } : results;
}

async function check(directory: string, file: string): Promise<void> {
  try {
    await access(join(directory, file));
  } catch (cause) {
    throw new ModelError(
      `There is no ${file} in ${directory}: convert the model with \`npm run convert\`.`,
      { cause },
    );
  }
}
