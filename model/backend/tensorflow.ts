/**
 * The networks as TensorFlow sessions. Calls tfjs-node's native addon directly: the package's JavaScript (all of
 * TensorFlow.js, and a parser that reads the graph once per signature) takes longer to load than TensorFlow.
 */
import { type EncoderDescription, modelFiles, type Precision } from '../format.ts';
import { type Addon, loadAddon } from '../native/load.ts';
import { type KernelsByPrecision, ownEncoderOf } from './own-encoder.ts';
import { openOwnStages } from './own-stages.ts';
import { detectsWithOneDnnHere, usesOneDnnHere } from './processor.ts';
import { openProposalSieve } from './proposal-sieve.ts';
import { SavedModel } from './saved-model.ts';
import { encoderSignatures, type OutputTensor, type Session, type Signature } from './session.ts';

/** A network in one of the SavedModels; its nodes are named `<name>/<tensor>`. */
interface NetworkLocation {
  readonly model: SavedModel;
  readonly name: string;
}

/**
 * @param threads per operation; the first call in a process decides
 * @param precision of the encoder that is loaded now; with bfloat16, the float32 one is loaded when needed
 * @param kernels of the encoder; TensorFlow's are used where the project's own cannot be
 * @throws {BackendError} when tfjs-node's addon does not load
 * @throws {ModelError} when one of the folder's SavedModels cannot be read
 */
export async function openTensorflow(
  directory: string,
  threads: number,
  precision: Precision,
  encoder: EncoderDescription,
  kernels: KernelsByPrecision,
): Promise<Session> {
  const addon = loadAddon(threads);
  // They have one thread. Beside bfloat16, float32 is for few faces, and a copy of its weights takes 96 MB.
  const own = new Map<Signature, ReturnType<typeof ownEncoderOf>>();
  const used: Precision[] = precision === 'float32' ? ['float32'] : ['bfloat16', 'float32'];
  for (const one of threads === 1 ? used : []) {
    if (kernels[one] === 'tensorflow') continue;
    const options = { packs: one === precision, amx: kernels[one] === 'amx' };
    own.set(encoderSignatures[one], ownEncoderOf(directory, one, options));
  }
  const opened: SavedModel[] = [];
  const dispose = () => {
    for (const model of opened) model.dispose();
  };
  const open: Opener = (graph, weights) => {
    const model = new SavedModel(addon, directory, { graph, weights });
    opened.push(model);
    return model;
  };
  let places: Record<Signature, NetworkLocation>;
  try {
    places = locateNetworks(open, precision, encoder);
    places.pnet_blocks.model.load();
    const signature = encoderSignatures[precision];
    if (own.get(signature) === undefined) places[signature].model.load();
  } catch (error) {
    dispose();
    throw error;
  }
  // What settles their doubts must round alike for every number of crops, and with three threads TensorFlow is as fast.
  const fewCounts = places.rnet.model !== places.pnet.model;
  return {
    backend: 'tensorflow',
    blocks: true,
    sieve: openProposalSieve(directory),
    ownStages: fewCounts && threads <= 2 ? openOwnStages(directory) : undefined,
    fewCounts,
    precision,
    run(signature, input, outputs) {
      const answer = own.get(signature)?.(input.data, input.shape[0]);
      if (answer !== undefined) {
        return Object.fromEntries(outputs.map((output) => [output, answer])) as Record<
          (typeof outputs)[number],
          OutputTensor
        >;
      }
      const { model, name } = places[signature];
      const nodes = outputs.map((output) => `${name}/${output}`).join(',');
      const tensor = addon.createTensor(input.shape, addon.TF_FLOAT, input.data);
      let results: ReturnType<Addon['runSavedModel']> = [];
      try {
        results = addon.runSavedModel(model.load(), [tensor], `${name}/${input.name}`, nodes);
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
    dispose,
  };
}

type Opener = (graph: string, weights: string) => SavedModel;

/** Opens the files; loads nothing yet. */
function locateNetworks(
  open: Opener,
  precision: Precision,
  { precisions }: EncoderDescription,
): Record<Signature, NetworkLocation> {
  const { detectionWeights, encoderWeights, bfloat16Weights } = modelFiles;
  // oneDNN keeps a rearranged copy of the weights, 96 MB: too much if only one face in five needs them.
  const keepsWeights = precision === 'float32' && usesOneDnnHere();
  const detection = open(modelFiles.detection, detectionWeights);
  const detectionHere = detectsWithOneDnnHere()
    ? open(modelFiles.detectionOneDnn, detectionWeights)
    : detection;
  const encoder = open(
    keepsWeights ? modelFiles.encoderOneDnn : modelFiles.encoder,
    encoderWeights,
  );
  // Without a bfloat16 encoder, nothing calls this signature.
  const bfloat16 = precisions.includes('bfloat16')
    ? open(modelFiles.bfloat16, bfloat16Weights)
    : encoder;
  return {
    pnet: { model: detection, name: 'pnet' },
    pnet_blocks: { model: detectionHere, name: 'pnet_blocks' },
    rnet: { model: detectionHere, name: 'rnet' },
    onet: { model: detectionHere, name: 'onet' },
    encoder: { model: encoder, name: 'encoder' },
    encoder_bfloat16: { model: bfloat16, name: 'encoder' },
  };
}
