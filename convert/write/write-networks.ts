/**
 * The four networks from their checkpoints to the files that hold them. Knows which file is which
 * network's, not what the formats look like.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { modelFiles, type Precision } from '../../model/format.ts';
import { planWeightsSchema } from '../../model/native/encoder/plan.ts';
import type { StateDict } from '../checkpoint/tensor.ts';
import { buildCompactEncoder } from '../networks/compact-network.ts';
import {
  buildBlockProposalNetwork,
  buildOutputNetwork,
  buildProposalNetwork,
  buildRefinementNetwork,
} from '../networks/detection-networks.ts';
import { buildEncoder } from '../networks/encoder-network.ts';
import { planOf } from '../networks/encoder-plan.ts';
import type { Network, Weight } from '../networks/graph.ts';
import {
  withFactorsApart,
  withFusedConvolutions,
  withOneDnnPools,
} from '../networks/graph-rewrites.ts';
import { trialNetworks } from '../networks/trial-networks.ts';
import type { ModelData } from '../sources/model-data.ts';
import { encodeGraphModel } from './graph-model.ts';
import { encodeSavedModel, encodeWithoutWeights } from './saved-model.ts';
import { readTfjsWeights } from './tfjs-weights.ts';
import {
  layoutWeights,
  placesOf,
  type Storage,
  type WeightsLayout,
  writeWeights,
} from './weights.ts';

type Build = (file: string, state: StateDict) => Network;

/** The first of each is in both files, the others are TensorFlow's alone. */
const builders = {
  pnet: [buildProposalNetwork, buildBlockProposalNetwork],
  rnet: [buildRefinementNetwork],
  onet: [buildOutputNetwork],
} satisfies Record<string, readonly [Build, ...Build[]]>;

type DetectionName = keyof typeof builders;
const detectionNames = Object.keys(builders) as DetectionName[];
export type NetworkName = DetectionName | 'encoder';
export const networkNames: readonly NetworkName[] = [...detectionNames, 'encoder'];

/** All networks in float32, and facenet's encoder once more in bfloat16. */
export type ModelNetworks = Readonly<Record<Precision, readonly Network[]>>;

/**
 * @param data where each network's weights are
 * @param onRead called before each checkpoint is read
 * @throws {CheckpointError} when a checkpoint cannot be read or is not that of its network
 */
export async function buildNetworks(
  data: Omit<ModelData, 'gallery'>,
  read: (path: string) => Promise<StateDict>,
  onRead: (path: string, index: number) => void = () => {},
): Promise<ModelNetworks> {
  const networks: Network[] = [];
  for (const [index, name] of detectionNames.entries()) {
    const path = data[name];
    onRead(path, index);
    const state = await read(path);
    networks.push(...builders[name].map((build) => build(path, state)));
  }
  if (data.encoder.kind === 'compact') {
    const { weights, manifest } = data.encoder;
    onRead(weights, detectionNames.length);
    networks.push(buildCompactEncoder(weights, await readTfjsWeights(manifest, weights)));
    return { float32: networks, bfloat16: [] };
  }
  const { checkpoint } = data.encoder;
  onRead(checkpoint, detectionNames.length);
  const state = await read(checkpoint);
  networks.push(buildEncoder(checkpoint, state));
  return { float32: networks, bfloat16: [buildEncoder(checkpoint, state, 'bfloat16')] };
}

/** P-Net on whole scales: oneDNN would compile kernels for the size of each. */
const ANY_SHAPE: NetworkName = 'pnet';

/**
 * Number of values up to which weights are never rounded: they are biases and the filters of few channels,
 * above all the first ones, whose rounding moved a distance by 1.8e-3, all others' by 4e-4. They are a
 * seventieth of all.
 */
const FEW_WEIGHTS = 20_000;

/** Weights other than float32 are for a small folder, even where it loads a little slower. */
function encoderLayout(encoder: readonly Network[], storage: Storage): WeightsLayout {
  if (storage === 'uint8') {
    return layoutWeights(encoder, ({ levels }) => (levels ? storage : 'float32'));
  }
  const storageOf = ({ data }: Weight) => (data.length > FEW_WEIGHTS ? storage : 'float32');
  return layoutWeights(encoder, storageOf, storage !== 'float32');
}

/**
 * Writes weights and SavedModels of detection and of each encoder, and a tfjs graph model of the float32
 * ones. Identical networks give identical bytes.
 * @param encoderStorage of the float32 encoder; detection, which cuts the faces, is never rounded
 */
export async function writeNetworks(
  directory: string,
  { float32, bfloat16 }: ModelNetworks,
  encoderStorage: Storage = 'float32',
): Promise<void> {
  const { detectionWeights, encoderWeights } = modelFiles;
  const encoder = float32.filter(({ name }) => name === 'encoder');
  const detection = float32.filter((network) => !encoder.includes(network));
  const forTfjs = encoder.map(withFactorsApart);
  // The larger first: of shards of several sizes, tfjs reads zeros where the last one is the largest.
  const shards = [
    { layout: encoderLayout(joined(encoder, forTfjs), encoderStorage), path: encoderWeights },
    { layout: layoutWeights(detection), path: detectionWeights },
  ] as const;
  const everywhere = [...detection, ...forTfjs].filter(({ name }) =>
    (networkNames as string[]).includes(name),
  );
  const [whole, parts] = shards;
  const files: Record<string, Uint8Array> = {
    [modelFiles.graphModel]: encodeGraphModel(everywhere, shards),
    [modelFiles.detection]: encodeSavedModel(detection, parts.layout, parts.path),
    [modelFiles.detectionOneDnn]: encodeSavedModel(
      onOneDnn(detection.filter(({ name }) => name !== ANY_SHAPE)),
      parts.layout,
      parts.path,
    ),
    [modelFiles.encoder]: encodeSavedModel(encoder, whole.layout, whole.path),
    [modelFiles.encoderOneDnn]: encodeSavedModel(onOneDnn(encoder), whole.layout, whole.path),
  };
  if (encoderStorage === 'float32') {
    files[modelFiles.encoderPlan] = encodePlan(encoder[0]!, whole.layout);
  }
  for (const { layout, path } of shards) await writeWeights(join(directory, path), layout);
  if (bfloat16.length > 0) {
    const { bfloat16: graph, bfloat16Plan, bfloat16Weights } = modelFiles;
    const layout = bfloat16Layout(bfloat16);
    files[graph] = encodeSavedModel(onOneDnn(bfloat16), layout, bfloat16Weights);
    files[bfloat16Plan] = encodePlan(bfloat16[0]!, layout);
    files[modelFiles.trial] = encodeWithoutWeights(trialNetworks());
    await writeWeights(join(directory, bfloat16Weights), layout);
  }
  for (const [file, bytes] of Object.entries(files)) await writeFile(join(directory, file), bytes);
}

/** The encoder for its own kernels. */
function encodePlan(encoder: Network, layout: WeightsLayout): Uint8Array {
  const places = placesOf(layout);
  const plan = planOf(withFusedConvolutions(encoder), (name) => {
    return planWeightsSchema.parse(places.get(name));
  });
  return Buffer.from(JSON.stringify(plan));
}

/** What stays float32 there, the last layer, loses next to nothing as float16, and takes half the disk. */
function bfloat16Layout(networks: readonly Network[]): WeightsLayout {
  return layoutWeights(networks, ({ type, data }) =>
    type === 'float32' && data.length > 100_000 ? 'float16' : type,
  );
}

/** The networks with the weights that only the others have; of one name, those of the first. */
function joined(networks: readonly Network[], others: readonly Network[]): Network[] {
  return networks.map((network, index) => {
    const present = new Set(network.weights.map(({ name }) => name));
    const more = others[index]!.weights.filter(({ name }) => !present.has(name));
    return { ...network, weights: [...network.weights, ...more] };
  });
}

function onOneDnn(networks: readonly Network[]): Network[] {
  return networks.map(withFusedConvolutions).map(withOneDnnPools);
}
