/**
 * The model as one TensorFlow session. It speaks to tfjs-node's native addon itself: the package's
 * JavaScript (all of TensorFlow.js, and a parser that reads the graph anew for every signature) takes
 * longer to load than TensorFlow does.
 */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../runtime/errors.ts';
import { ModelError } from '../errors.ts';
import { BFLOAT16_FOLDER, modelFiles, ONEDNN_FOLDER, type Precision } from '../format.ts';
import { type Addon, loadAddon } from '../native/load.ts';
import { usesOneDnnHere } from './processor.ts';
import type { OutputTensor, Session, Signature } from './session.ts';

const TAG = 'serve';

/** A network in one of the loaded SavedModels; its nodes are named `<name>/<tensor>`. */
interface Loaded {
  readonly model: number;
  readonly name: string;
}

/**
 * @param threads of one operation; the first call in a process settles it
 * @param precision bfloat16 loads that encoder beside the float32 one
 * @throws {BackendError} when tfjs-node's addon does not load
 * @throws {ModelError} when the folder's SavedModel cannot be read
 */
export async function openTensorflow(
  directory: string,
  threads: number,
  precision: Precision,
): Promise<Session> {
  const addon = loadAddon(threads);
  const models = await loadModels(addon, directory, precision);
  const networkOf = (signature: Signature): Loaded => {
    const model = signature === 'encoder_bfloat16' ? models.rough : models.whole;
    if (model === undefined) throw new Error(`The network ${signature} is not loaded.`);
    return { model, name: signature === 'encoder_bfloat16' ? 'encoder' : signature };
  };
  return {
    backend: 'tensorflow',
    blocks: true,
    precision,
    run(signature, input, outputs) {
      const { model, name } = networkOf(signature);
      const nodes = outputs.map((output) => `${name}/${output}`).join(',');
      const tensor = addon.createTensor(input.shape, addon.TF_FLOAT, input.data);
      let results: ReturnType<Addon['runSavedModel']> = [];
      try {
        results = addon.runSavedModel(model, [tensor], `${name}/${input.name}`, nodes);
        const read = {} as Record<(typeof outputs)[number], OutputTensor>;
        for (const [index, { id, shape }] of results.entries()) {
          read[outputs[index]!] = { data: addon.tensorDataSync(id) as Float32Array, shape };
        }
        return read;
      } finally {
        addon.deleteTensor(tensor);
        for (const { id } of results) addon.deleteTensor(id);
      }
    },
    dispose() {
      addon.deleteSavedModel(models.whole);
      if (models.rough !== undefined) addon.deleteSavedModel(models.rough);
    },
  };
}

interface Models {
  /** All networks in float32. */
  readonly whole: number;
  /** The encoder in bfloat16. */
  readonly rough: number | undefined;
}

async function loadModels(addon: Addon, directory: string, precision: Precision): Promise<Models> {
  const { savedModel, oneDnn, weights, bfloat16, bfloat16Weights } = modelFiles;
  const fused = usesOneDnnHere();
  const rough = precision === 'bfloat16';
  for (const file of [
    fused ? oneDnn : savedModel,
    weights,
    ...(rough ? [bfloat16, bfloat16Weights] : []),
  ]) {
    await check(directory, file);
  }
  let whole: number | undefined;
  try {
    whole = addon.loadSavedModel(fused ? join(directory, ONEDNN_FOLDER) : directory, TAG);
    const roughFolder = join(directory, BFLOAT16_FOLDER);
    return { whole, rough: rough ? addon.loadSavedModel(roughFolder, TAG) : undefined };
  } catch (cause) {
    if (whole !== undefined) addon.deleteSavedModel(whole);
    const [reason] = messageOf(cause).split('\n');
    throw new ModelError(
      `The SavedModel in ${directory} cannot be loaded (${reason}): convert it anew with \`npm run convert\`.`,
      { cause },
    );
  }
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
