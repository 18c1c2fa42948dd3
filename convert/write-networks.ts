/**
 * The four networks from their checkpoints to the three files that hold them. Knows which file is which
 * network's, not what the formats look like.
 */
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { modelFiles } from '../model/format.ts';
import {
  buildBlockProposalNetwork,
  buildOutputNetwork,
  buildProposalNetwork,
  buildRefinementNetwork,
} from './detection-networks.ts';
import { buildEncoder } from './encoder-network.ts';
import type { Network } from './graph.ts';
import { encodeGraphModel } from './graph-model.ts';
import { encodeSavedModel } from './saved-model.ts';
import type { StateDict } from './tensor.ts';
import { layoutWeights, writeWeights } from './weights.ts';

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

/**
 * @param paths each network's checkpoint
 * @param onRead called before each checkpoint is read
 * @throws {CheckpointError} when a checkpoint cannot be read or is not that of its network
 */
export async function buildNetworks(
  paths: Readonly<Record<NetworkName, string>>,
  read: (path: string) => Promise<StateDict>,
  onRead: (path: string, index: number) => void = () => {},
): Promise<Network[]> {
  const networks: Network[] = [];
  for (const [index, name] of networkNames.entries()) {
    const path = paths[name];
    onRead(path, index);
    const state = await read(path);
    networks.push(...builders[name].map((build) => build(path, state)));
  }
  return networks;
}

/** Writes weights, SavedModel and tfjs graph model. Identical networks give identical bytes. */
export async function writeNetworks(
  directory: string,
  networks: readonly Network[],
): Promise<void> {
  const layout = layoutWeights(networks);
  const place = (file: keyof typeof modelFiles) => join(directory, modelFiles[file]);
  await writeWeights(place('weights'), layout);
  await writeFile(
    place('savedModel'),
    encodeSavedModel(networks, layout, basename(modelFiles.weights)),
  );
  const everywhere = networks.filter(({ name }) => (networkNames as string[]).includes(name));
  await writeFile(place('graphModel'), encodeGraphModel(everywhere, layout, modelFiles.weights));
}
