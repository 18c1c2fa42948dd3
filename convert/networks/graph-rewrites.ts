/**
 * Rewrites of a network’s graph that keep its answers: convolutions and poolings as oneDNN’s own operations,
 * and factors of filters multiplied with the result. Knows no file format.
 */
import type { Attribute, DataType, GraphNode, Network, Weight } from './graph.ts';

/** TensorFlow's word for kernels that take and give tensors as all others do. */
export const ONEDNN_KERNEL = { text: 'MklNameChangeOp' };

/**
 * The same network with oneDNN's fused convolutions; its answers are what Grappler's fused ones would be.
 * TensorFlow would fuse convolutions itself, but only with a filter that it knows to be constant: a filter in a
 * constant is held in memory several times, and one in a variable is rearranged in each call, which takes longer
 * than a face does.
 */
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

/**
 * The same answers from filters without factors, with weights of its own for what is multiplied and added: for
 * readers of filters in 8 bits that know one scale for a whole filter, not one for each output.
 */
export function withFactorsApart(network: Network): Network {
  const weights = new Map(network.weights.map((weight) => [weight.name, weight]));
  const nodes = [...network.nodes];
  for (const convolution of network.nodes.filter(({ op }) => op === 'Conv2D')) {
    const filter = weights.get(convolution.inputs[1]!)!;
    const factors = filter.levels?.factors;
    if (factors === undefined || factors.every((factor) => factor === 1)) continue;
    const at = nodes.indexOf(convolution);
    const [bias, next] = [nodes[at + 1]!, nodes[at + 2]];
    if (bias.op !== 'BiasAdd' || !factors.every((factor) => factor > 0)) {
      throw new Error(`${convolution.name} has factors that cannot be applied behind it.`);
    }
    // A factor above 0 may as well be applied behind the ReLU, which is then computed with the product.
    const relu = next?.op === 'Relu' && next.inputs[0] === bias.name ? [next] : [];
    const divided = weightLike(filter, 'divided_bias', (_, output) => {
      return weights.get(bias.inputs[1]!)!.data[output]! / factors[output]!;
    });
    const factor = weightLike(filter, 'factors', (one) => one);
    for (const weight of [divided, factor, withoutFactors(filter)])
      weights.set(weight.name, weight);
    nodes.splice(at + 1, 1 + relu.length, ...multiplied(bias, relu, divided.name, factor.name));
  }
  return { ...network, nodes, weights: [...weights.values()] };
}

/** One value an output of the filter. */
function weightLike(
  { name, type, levels }: Weight,
  part: string,
  value: (factor: number, output: number) => number,
): Weight {
  const data = levels!.factors.map(value);
  return { name: `${name}/${part}`, shape: [data.length], data, type };
}

function withoutFactors(filter: Weight): Weight {
  const levels = filter.levels!;
  const data = Float32Array.from(levels.data, (level) => level * levels.scale + levels.min);
  return { ...filter, data, levels: { ...levels, factors: levels.factors.map(() => 1) } };
}

/** Bias, ReLU if any, and product; the last takes the name that others read. */
function multiplied(
  bias: GraphNode,
  [relu]: readonly GraphNode[],
  divided: string,
  factors: string,
): GraphNode[] {
  const last = relu ?? bias;
  const inner = { ...bias, name: `${bias.name}/sum`, inputs: [bias.inputs[0]!, divided] };
  const parts = relu
    ? [inner, { ...relu, name: `${relu.name}/inner`, inputs: [inner.name] }]
    : [inner];
  return [
    ...parts,
    {
      name: last.name,
      op: 'Mul',
      inputs: [parts.at(-1)!.name, factors],
      attributes: { T: last.attributes.T! },
    },
  ];
}
