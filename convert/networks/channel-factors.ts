/**
 * Convolutions whose filter is stored in 8 bits with a factor for each output, for readers that know one
 * scale a filter: the factor is multiplied with the result instead. Knows no file format.
 */
import type { GraphNode, Network, Weight } from './graph.ts';

/** The same answers from filters without factors; with weights of its own for what is multiplied and added. */
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
