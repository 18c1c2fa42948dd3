/**
 * The four networks from their checkpoints to the three files that hold them. Knows which file is which
 * network's, not what the formats look like.
 */
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { modelFiles, type Precision } from '../model/format.ts';
import {
  buildBlockProposalNetwork,
  buildOutputNetwork,
  buildProposalNetwork,
  buildRefinementNetwork,
} from './detection-networks.ts';
import { buildEncoder } from './encoder-network.ts';
import { withFusedConvolutions } from './fused-convolutions.ts';
import type { Network } from './graph.ts';
import { encodeGraphModel } from './graph-model.ts';
import { encodeSavedModel } from './saved-model.ts';
import type { StateDict } from './tensor.ts';
import { layoutWeights, type Storage, writeWeights } from './weights.ts';

type Build = (file: string, state: StateDict) => Network;

/** The first of each is in both files, the others are TensorFlow's alone. */
const builders = {
  pnet: [buildProposalNetwork, buildBlockProposalNetwork],
  rnet: [buildRefinementNetwork],
  onet: [buildOutputNetwork],
  encoder: [buildEncoder],
} satisfies Record<string, readonly [Build, ...Build[]]>;

export type NetworkName = keyof typeof builders;
export const networkNames = Object.keys(builders) as NetworkName[];

/** All networks in float32, and the encoder once more in bfloat16. */
export type ModelNetworks = Readonly<Record<Precision, readonly Network[]>>;

/**
 * @param paths each network's checkpoint
 * @param onRead called before each checkpoint is read
 * @throws {CheckpointError} when a checkpoint cannot be read or is not that of its network
 */
export async function buildNetworks(
  paths: Readonly<Record<NetworkName, string>>,
  read: (path: string) => Promise<StateDict>,
  onRead: (path: string, index: number) => void = () => {},
): Promise<ModelNetworks> {
  const networks: Network[] = [];
  const bfloat16: Network[] = [];
  for (const [index, name] of networkNames.entries()) {
    const path = paths[name];
    onRead(path, index);
    const state = await read(path);
    networks.push(...builders[name].map((build) => build(path, state)));
    if (name === 'encoder') bfloat16.push(buildEncoder(path, state, 'bfloat16'));
  }
  return { float32: networks, bfloat16 };
}

/**
 * Writes weights and SavedModel of each precision, and a tfjs graph model of the float32 one. Identical
 * networks give identical bytes.
 * @param encoderStorage of the float32 encoder; detection, which cuts the faces, is never rounded
 */
export async function writeNetworks(
  directory: string,
  { float32, bfloat16 }: ModelNetworks,
  encoderStorage: Storage = 'float32',
): Promise<void> {
  const place = (file: keyof typeof modelFiles) => join(directory, modelFiles[file]);
  const layout = layoutWeights(float32, (_, { name }) =>
    name === 'encoder' ? encoderStorage : 'float32',
  );
  await writeWeights(place('weights'), layout);
  const weightsName = basename(modelFiles.weights);
  await writeFile(place('savedModel'), encodeSavedModel(float32, layout, weightsName));
  await writeFile(
    place('oneDnn'),
    encodeSavedModel(float32.map(withFusedConvolutions), layout, `../../${modelFiles.weights}`),
  );
  const everywhere = float32.filter(({ name }) => (networkNames as string[]).includes(name));
  await writeFile(place('graphModel'), encodeGraphModel(everywhere, layout, modelFiles.weights));
  // What stays float32 there, the last layer, loses next to nothing as float16, and takes half the disk.
  const small = layoutWeights(bfloat16, ({ type, data }) =>
    type === 'float32' && data.length > 100_000 ? 'float16' : type,
  );
  await writeWeights(place('bfloat16Weights'), small);
  const smallName = basename(modelFiles.bfloat16Weights);
  await writeFile(
    place('bfloat16'),
    encodeSavedModel(bfloat16.map(withFusedConvolutions), small, smallName),
  );
}
