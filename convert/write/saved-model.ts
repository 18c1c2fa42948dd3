/**
 * Writes networks as a TensorFlow SavedModel that reads its weights from their file, so that no checkpoint
 * format is needed. Knows TensorFlow's format, not the networks.
 */
import { join } from 'node:path';
import protobuf from 'protobufjs';
import type { Attribute, DataType, GraphNode, Network } from '../networks/graph.ts';
import { constantNode, tensorName, typeOf } from '../networks/graph.ts';
import { INIT_NODE, stackedNames, weightNodes } from './stored-weights.ts';
import type { WeightsLayout } from './weights.ts';

/** tensorflow/core/framework/types.proto */
const dataTypes: Record<DataType, number> = {
  float32: 1,
  int32: 3,
  uint8: 4,
  string: 7,
  bfloat16: 14,
  float16: 19,
  resource: 20,
};
const SCHEMA_VERSION = 1;
/** The version of TensorFlow's graphs for which these ops are written: that of TensorFlow 1.15. */
const GRAPH_VERSIONS = { producer: 134, minConsumer: 12 };

const root = await protobuf.load(join(import.meta.dirname, 'saved-model.proto'));
const SavedModel = root.lookupType('SavedModel');

/** @param file of the weights within the model's folder */
export function encodeSavedModel(
  networks: readonly Network[],
  layout: WeightsLayout,
  file: string,
): Uint8Array {
  const stacked = stackedNames(layout);
  const nodes = [
    ...networks.flatMap(({ constants }) => constants.map(constantNode)),
    ...weightNodes(layout, file),
    ...networks.flatMap(networkNodes).map((node) => ({
      ...node,
      inputs: node.inputs.map((input) => stacked.get(input) ?? input),
    })),
  ];
  return encodeNodes(networks, nodes, {
    saved_model_main_op: { nodeList: { value: [INIT_NODE] } },
  });
}

/** For networks that have no weights to read from a file. */
export function encodeWithoutWeights(networks: readonly Network[]): Uint8Array {
  const constants = networks.flatMap((network) => network.constants.map(constantNode));
  return encodeNodes(networks, [...constants, ...networks.flatMap(networkNodes)], {});
}

function encodeNodes(
  networks: readonly Network[],
  nodes: readonly GraphNode[],
  collectionDef: object,
): Uint8Array {
  const message = SavedModel.fromObject({
    savedModelSchemaVersion: SCHEMA_VERSION,
    metaGraphs: [
      {
        metaInfoDef: { tags: ['serve'], tensorflowVersion: '2.0.0' },
        graphDef: { node: nodes.map(nodeDef), versions: GRAPH_VERSIONS },
        collectionDef,
        signatureDef: Object.fromEntries(
          networks.map((network) => [network.name, signatureDef(network)]),
        ),
      },
    ],
  });
  return SavedModel.encode(message).finish();
}

/** The network's own nodes, PReLU spelt out. */
function networkNodes({ nodes, weights }: Network): GraphNode[] {
  const slopes = new Map(weights.map(({ name, data }) => [name, data]));
  return nodes.flatMap((node) => {
    if (node.op !== 'Prelu') return [node];
    const isSteep = slopes.get(node.inputs[1]!)?.some((slope) => slope > 1) ?? true;
    return isSteep ? steepPreluNodes(node) : preluNodes(node);
  });
}

/** max(x, slope · x), right where no slope is above 1. */
function preluNodes({ name, inputs, attributes }: GraphNode): GraphNode[] {
  const [x, slope] = inputs as [string, string];
  return [
    { name: `${name}/scaled`, op: 'Mul', inputs: [x, slope], attributes },
    { name, op: 'Maximum', inputs: [x, `${name}/scaled`], attributes },
  ];
}

/** x + (slope − 1) · min(x, 0), right for slopes of any sign and size: three passes over x. */
function steepPreluNodes({ name, inputs, attributes }: GraphNode): GraphNode[] {
  const [x, slope] = inputs as [string, string];
  const node = (part: string, op: string, of: string[]): GraphNode => ({
    name: `${name}/${part}`,
    op,
    inputs: of,
    attributes,
  });
  const scalar = (part: string, value: number): GraphNode =>
    constantNode({ name: `${name}/${part}`, shape: [], data: Float32Array.of(value) });
  return [
    scalar('zero', 0),
    scalar('one', 1),
    node('steeper', 'Sub', [slope, `${name}/one`]),
    node('negative', 'Minimum', [x, `${name}/zero`]),
    node('scaled', 'Mul', [`${name}/negative`, `${name}/steeper`]),
    { name, op: 'AddV2', inputs: [x, `${name}/scaled`], attributes },
  ];
}

function nodeDef({ name, op, inputs, attributes }: GraphNode): object {
  const attr = Object.entries(attributes).map(([key, value]) => [key, attrValue(value)]);
  return { name, op, input: inputs, attr: Object.fromEntries(attr) };
}

function attrValue(attribute: Attribute): object {
  if ('type' in attribute) return { type: dataTypes[attribute.type] };
  if ('shape' in attribute) return { shape: shapeProto(attribute.shape) };
  if ('int' in attribute) return { i: attribute.int };
  if ('flag' in attribute) return { b: attribute.flag };
  if ('text' in attribute) return { s: Buffer.from(attribute.text) };
  if ('ints' in attribute) return { list: { i: attribute.ints } };
  if ('types' in attribute) {
    return { list: { type: attribute.types.map((type) => dataTypes[type]) } };
  }
  if ('texts' in attribute) return { list: { s: attribute.texts.map((t) => Buffer.from(t)) } };
  if ('string' in attribute) {
    const stringVal = [Buffer.from(attribute.string)];
    return { tensor: { dtype: dataTypes.string, tensorShape: shapeProto([]), stringVal } };
  }
  const { data, shape } = attribute.tensor;
  return {
    tensor: {
      dtype: dataTypes[typeOf(attribute.tensor)],
      tensorShape: shapeProto(shape),
      tensorContent: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
    },
  };
}

function shapeProto(shape: readonly number[]): object {
  return { dim: shape.map((size) => ({ size })) };
}

function tensorInfo(node: string, shape: readonly number[]): object {
  return { name: `${node}:0`, dtype: dataTypes.float32, tensorShape: shapeProto(shape) };
}

function signatureDef(network: Network): object {
  const entry = (tensor: Network['input']) =>
    [tensorName(network, tensor), tensorInfo(tensor.name, tensor.shape)] as const;
  return {
    inputs: Object.fromEntries([entry(network.input)]),
    outputs: Object.fromEntries(network.outputs.map(entry)),
    methodName: 'tensorflow/serving/predict',
  };
}
