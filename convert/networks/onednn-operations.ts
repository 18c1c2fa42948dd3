/**
 * Convolutions with the nodes that follow them, and poolings, as oneDNN's own operations. TensorFlow would
 * fuse convolutions itself, but only with a filter that it knows to be constant: a filter in a constant
 * is held in memory several times, and one in a variable is rearranged in each call, which takes longer
 * than a face does. Knows no weights.
 */
import type { Attribute, DataType, GraphNode, Network } from './graph.ts';

/** TensorFlow's word for kernels that take and give tensors as all others do. */
export const ONEDNN_KERNEL = { text: 'MklNameChangeOp' };

/** The same network; its answers are what Grappler's fused ones would be. */
export function withFusedConvolutions(network: Network): Network {
  const readers = new Map<string, GraphNode[]>();
  for (const node of network.nodes) {
    for (const input of node.inputs) readers.set(input, [...(readers.get(input) ?? []), node]);
  }
  const next = ({ name }: GraphNode, op: string): GraphNode | undefined => {
    const [only, ...others] = readers.get(name) ?? [];
    return only?.op === op && others.length === 0 ? only : undefined;
  };
  const gone = new Set<GraphNode>();
  const fused = new Map<GraphNode, GraphNode>();
  for (const convolution of network.nodes.filter(({ op }) => op === 'Conv2D')) {
    const bias = next(convolution, 'BiasAdd');
    if (bias === undefined) continue;
    const sum = next(bias, 'AddV2');
    const relu = next(sum ?? bias, 'Relu');
    const parts = [convolution, bias, sum, relu].filter((part) => part !== undefined);
    const last = parts.at(-1)!;
    const added = sum?.inputs.find((input) => input !== bias.name);
    for (const part of parts) gone.add(part);
    fused.set(last, fusedNode(last.name, convolution, bias.inputs[1]!, added, relu !== undefined));
  }
  return {
    ...network,
    nodes: network.nodes.flatMap((node) => fused.get(node) ?? (gone.has(node) ? [] : [node])),
  };
}

function fusedNode(
  name: string,
  { inputs, attributes }: GraphNode,
  bias: string,
  added: string | undefined,
  relu: boolean,
): GraphNode {
  const operands = added === undefined ? [bias] : [bias, added];
  const operations = [
    'BiasAdd',
    ...(added === undefined ? [] : ['Add']),
    ...(relu ? ['Relu'] : []),
  ];
  return {
    name,
    op: '_MklNativeFusedConv2D',
    inputs: [...inputs, ...operands],
    attributes: {
      ...attributes,
      TArgs: { types: operands.map(() => typeOf(attributes)) },
      num_args: { int: operands.length },
      num_host_args: { int: 0 },
      fused_ops: { texts: operations },
      is_filter_const: { flag: true },
      _kernel: ONEDNN_KERNEL,
    },
  };
}

function typeOf({ T }: Readonly<Record<string, Attribute>>): DataType {
  if (T === undefined || !('type' in T)) throw new Error('A convolution has no type.');
  return T.type;
}

/**
 * The same network with oneDNN's own pooling, which takes half the time of TensorFlow's; its answers are
 * the same to the last bit.
 */
export function withOneDnnPools(network: Network): Network {
  return { ...network, nodes: network.nodes.map(asOneDnnPool) };
}

function asOneDnnPool(node: GraphNode): GraphNode {
  if (node.op !== 'MaxPool') return node;
  return {
    ...node,
    op: '_MklNativeMaxPool',
    attributes: {
      ...node.attributes,
      explicit_paddings: { ints: [] },
      workspace_enabled: { flag: false },
      _kernel: ONEDNN_KERNEL,
    },
  };
}
