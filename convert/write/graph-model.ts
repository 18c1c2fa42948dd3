/**
 * Writes networks as a tfjs graph model whose weight shards are the weights files. Knows tfjs's format
 * and which layers it runs as one, not the networks.
 */
import type { Attribute, Constant, DataType, GraphNode, Network } from '../networks/graph.ts';
import { tensorName } from '../networks/graph.ts';
import { type PlacedWeight, paddingOf, type WeightsLayout } from './weights.ts';

const tensorflowTypes: Record<DataType, string> = {
  float32: 'DT_FLOAT',
  bfloat16: 'DT_BFLOAT16',
  float16: 'DT_HALF',
  int32: 'DT_INT32',
  uint8: 'DT_UINT8',
  string: 'DT_STRING',
  resource: 'DT_RESOURCE',
};
/** What tfjs computes in one go after which product. */
const fusedOps: Record<string, string> = { Conv2D: '_FusedConv2D', MatMul: '_FusedMatMul' };
const fusableActivations = ['Relu', 'Prelu'];

/** tfjs's word for float32 values that are stored as float16. */
const HALF = { dtype: 'float16', original_dtype: 'float32' };

/** A weights file, and its path from model.json. */
export interface Shard {
  readonly layout: WeightsLayout;
  readonly path: string;
}

/** @throws when the weights are not stored as tfjs can read them */
export function encodeGraphModel(
  networks: readonly Network[],
  shards: readonly Shard[],
): Uint8Array {
  const stored = shards.flatMap(({ layout }): Constant[] => [
    ...layout.weights.map(({ weight }) => weight),
    ...layout.constants,
  ]);
  const model = {
    format: 'graph-model',
    generatedBy: 'elastic-face',
    convertedBy: null,
    signature: {
      inputs: Object.assign({}, ...networks.map((n) => tensorInfo(n.input))),
      outputs: Object.assign({}, ...networks.flatMap((n) => n.outputs.map(tensorInfo))),
    },
    userDefinedMetadata: {
      networks: networks.map((network) => ({
        name: network.name,
        input: tensorName(network, network.input),
        outputs: network.outputs.map((output) => tensorName(network, output)),
      })),
    },
    modelTopology: {
      node: [
        ...stored.map(constantNode),
        ...networks.flatMap((network) => fuse(network).map(nodeDef)),
      ],
      versions: {},
    },
    weightsManifest: shards.map(({ layout, path }) => ({
      paths: [path],
      // Not a word of tfjs's: the reader of the shard unpacks it first.
      ...(layout.compressed && { compression: 'zlib' }),
      weights: [
        ...weightSpecs(layout),
        ...layout.constants.map((one) => spec(one, { dtype: typeOf(one) })),
      ],
    })),
  };
  return Buffer.from(JSON.stringify(model));
}

/** What lies in the file, one after the other: what fills a row is a weight that nothing reads. */
function weightSpecs(layout: WeightsLayout): object[] {
  return layout.weights.flatMap((placed) => {
    const { weight } = placed;
    const padding = paddingOf(placed);
    const filler = { name: `${weight.name}/padding`, shape: [padding] };
    return [weight, ...(padding > 0 ? [filler] : [])].map((one) => spec(one, typeStored(placed)));
  });
}

function spec({ name, shape }: Pick<Constant, 'name' | 'shape'>, type: object): object {
  return { name, shape, ...type };
}

/** tfjs's words for how the numbers are stored; it has one scale for all of a weight. */
function typeStored({ weight, storage }: PlacedWeight): object {
  if (storage === 'bfloat16') throw new Error('tfjs has no bfloat16.');
  if (storage === 'float32') return { dtype: storage };
  if (storage === 'float16') return { dtype: 'float32', quantization: HALF };
  const { scale, min } = weight.levels!;
  return { dtype: 'float32', quantization: { dtype: 'uint8', scale, min } };
}

/**
 * Joins a product, its bias and the activation after it into one node, named as the last of them.
 * A result that something else reads as well, or that is an output, stays a node of its own.
 */
export function fuse(network: Network): GraphNode[] {
  const nodes = new Map(network.nodes.map((node) => [node.name, node]));
  const readers = new Map<string, GraphNode[]>();
  for (const node of network.nodes) {
    for (const input of node.inputs) readers.set(input, [...(readers.get(input) ?? []), node]);
  }
  const outputs = new Set(network.outputs.map(({ name }) => name));
  const onlyReader = (name: string) => {
    const all = readers.get(name) ?? [];
    return all.length === 1 && !outputs.has(name) ? all[0] : undefined;
  };
  const replaced = new Set<string>();
  const fused = new Map<string, GraphNode>();
  for (const bias of network.nodes) {
    if (bias.op !== 'BiasAdd') continue;
    const product = nodes.get(bias.inputs[0]!);
    if (product === undefined || !(product.op in fusedOps)) continue;
    if (onlyReader(product.name) !== bias) continue;
    const next = onlyReader(bias.name);
    const activation = next && fusableActivations.includes(next.op) ? next : undefined;
    const last = activation ?? bias;
    for (const node of [product, bias, last]) replaced.add(node.name);
    fused.set(last.name, fusedNode(product, bias, activation));
  }
  return network.nodes.flatMap((node) => {
    const whole = fused.get(node.name);
    if (whole !== undefined) return [whole];
    return replaced.has(node.name) ? [] : [node];
  });
}

function fusedNode(product: GraphNode, bias: GraphNode, activation?: GraphNode): GraphNode {
  const extra = [...bias.inputs.slice(1), ...(activation?.inputs.slice(1) ?? [])];
  return {
    name: (activation ?? bias).name,
    op: fusedOps[product.op]!,
    inputs: [...product.inputs, ...extra],
    attributes: {
      ...product.attributes,
      fused_ops: { texts: ['BiasAdd', ...(activation ? [activation.op] : [])] },
      num_args: { int: extra.length },
    },
  };
}

function constantNode(constant: Constant): object {
  return {
    name: constant.name,
    op: 'Const',
    attr: {
      dtype: { type: tensorflowTypes[typeOf(constant)] },
      value: {
        tensor: { dtype: tensorflowTypes[typeOf(constant)], tensorShape: shapeDef(constant.shape) },
      },
    },
  };
}

function typeOf({ data }: Constant): 'float32' | 'int32' {
  return data instanceof Float32Array ? 'float32' : 'int32';
}

function nodeDef({ name, op, inputs, attributes }: GraphNode): object {
  const attr = Object.entries(attributes).map(([key, value]) => [key, attrValue(value)]);
  return { name, op, input: inputs, attr: Object.fromEntries(attr) };
}

function attrValue(attribute: Attribute): object {
  if ('type' in attribute) return { type: tensorflowTypes[attribute.type] };
  if ('shape' in attribute) return { shape: shapeDef(attribute.shape) };
  if ('int' in attribute) return { i: String(attribute.int) };
  if ('flag' in attribute) return { b: attribute.flag };
  if ('text' in attribute) return { s: base64(attribute.text) };
  if ('ints' in attribute) return { list: { i: attribute.ints.map(String) } };
  if ('texts' in attribute) return { list: { s: attribute.texts.map(base64) } };
  if ('types' in attribute) throw new Error('tfjs knows no operation with a list of types.');
  throw new Error('tfjs keeps tensors in the weights file, never in an attribute.');
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function shapeDef(shape: readonly number[]): object {
  return { dim: shape.map((size) => ({ size: String(size) })) };
}

/** Keyed by the full name: the networks share one signature here. */
function tensorInfo({ name, shape }: Network['input']): object {
  return {
    [name]: { name: `${name}:0`, dtype: 'DT_FLOAT', tensorShape: shapeDef(shape) },
  };
}
