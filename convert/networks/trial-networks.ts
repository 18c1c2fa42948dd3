/**
 * A small likeness of the face encoder in each way it can be computed, for a short trial of which is
 * fastest on a processor. Its layers have the encoder's own shapes and come in about the encoder's own
 * proportions; their weights are one number, so that they take no file. Knows no checkpoint.
 */
import type { Precision } from '../../model/format.ts';
import { type Branches, block8, block17, type Convolution } from './encoder-blocks.ts';
import type { ConvolutionWeights } from './fold-batch-norm.ts';
import { constantNode, elementCount, type GraphNode, type Network, vectorNode } from './graph.ts';
import { withFusedConvolutions, withOneDnnPools } from './graph-rewrites.ts';
import { NetworkBuilder } from './network-builder.ts';

/** Small enough that no sum overflows, large enough that none is denormal, which takes longer. */
const WEIGHT = 1e-3;

/**
 * By multiplications the encoder is 52 % convolutions of the stem and the reductions, 8 % block35, 31 %
 * block17 and 9 % block8. Here conv2d_4b, which stands for all 3x3 convolutions, is 53 %, block17 38 % and
 * block8 9 %. More kinds of layer would not change the verdict, but each compiles kernels of its own.
 */
const STEM = { size: 56, channels: 192, outputs: 256 };
const blocks = [
  { branches: block17, size: 13, channels: 896 },
  { branches: block17, size: 13, channels: 896 },
  { branches: block8, size: 6, channels: 1792 },
] as const;

/** All of them; each is a signature of one graph, and takes one number as its input. */
export function trialNetworks(): Network[] {
  const onOneDnn = (network: Network) => withOneDnnPools(withFusedConvolutions(network));
  return [onOneDnn(likeness('float32', 'float32')), onOneDnn(likeness('bfloat16', 'bfloat16'))].map(
    withFilledWeights,
  );
}

function likeness(name: string, type: Precision): Network {
  const builder = new NetworkBuilder(name);
  const seed = builder.cast('cast', builder.input('seed', []), type);
  const stem = convolution(
    builder,
    { name: 'stem', outputs: STEM.outputs, kernel: 3, stride: 2 },
    filled(builder, 'stem', seed, STEM),
  );
  const maps = blocks.map((block, at) => {
    const path = `block_${at}`;
    return { ...block, node: residual(builder, path, filled(builder, path, seed, block), block) };
  });
  // One short answer that needs all of them.
  const averages = [{ node: stem.node, channels: STEM.outputs }, ...maps].map(
    ({ node, channels }, at) =>
      builder.reshape(`part_${at}`, builder.globalAverage(`average_${at}`, node), [
        1,
        1,
        1,
        channels,
      ]),
  );
  const joined = builder.cast('averages/cast', builder.concat('averages', averages), 'float32');
  builder.reshape('answer', joined, [1, -1]);
  return builder.finish([{ name: 'answer', shape: [1, -1] }]);
}

interface FeatureMap {
  readonly node: string;
  readonly channels: number;
}

interface MapSize {
  readonly size: number;
  readonly channels: number;
}

function filled(
  builder: NetworkBuilder,
  path: string,
  seed: string,
  { size, channels }: MapSize,
): FeatureMap {
  return { node: builder.fill(`${path}/map`, seed, [1, size, size, channels]), channels };
}

/** Convolution and ReLU. */
function convolution(
  builder: NetworkBuilder,
  { name, outputs, kernel, stride = 1 }: Convolution,
  x: FeatureMap,
): FeatureMap {
  const padding = stride === 1 ? 'SAME' : 'VALID';
  const sum = builder.convolution(name, x.node, zeros(x.channels, outputs, kernel), {
    stride,
    padding,
  });
  return { node: builder.relu(`${name}/relu`, sum), channels: outputs };
}

function residual(
  builder: NetworkBuilder,
  path: string,
  x: FeatureMap,
  { branches }: { readonly branches: Branches },
): string {
  const ends = branches.map((branch) =>
    branch.reduce(
      (map, layer) => convolution(builder, { ...layer, name: `${path}/${layer.name}` }, map),
      x,
    ),
  );
  const joined = builder.concat(
    `${path}/join`,
    ends.map(({ node }) => node),
  );
  const channels = ends.reduce((sum, end) => sum + end.channels, 0);
  const update = builder.convolution(`${path}/conv2d`, joined, zeros(channels, x.channels, 1), {
    stride: 1,
    padding: 'SAME',
  });
  return builder.relu(`${path}/relu`, builder.add(`${path}/sum`, update, x.node));
}

/** Weights of these lengths; `withFilledWeights` says what is in them. */
function zeros(inputs: number, outputs: number, kernel: Convolution['kernel']): ConvolutionWeights {
  const [height, width] = typeof kernel === 'number' ? [kernel, kernel] : kernel;
  const filterShape = [height, width, inputs, outputs] as const;
  return {
    filter: new Float32Array(elementCount(filterShape)),
    filterShape,
    bias: new Float32Array(outputs),
  };
}

/**
 * The same network, each of its weights made when it is loaded, all of one number, but of another one than the
 * other weights: TensorFlow computes convolutions of equal inputs and filters only once.
 */
function withFilledWeights(network: Network): Network {
  const nodes = network.weights.flatMap(({ name, shape, type }, at): GraphNode[] => [
    constantNode({
      name: `${name}/number`,
      shape: [],
      data: Float32Array.of(WEIGHT * (1 + at / 64)),
    }),
    {
      name: `${name}/value`,
      op: 'Cast',
      inputs: [`${name}/number`],
      attributes: { SrcT: { type: 'float32' }, DstT: { type }, Truncate: { flag: false } },
    },
    vectorNode(`${name}/shape`, shape),
    {
      name,
      op: 'Fill',
      inputs: [`${name}/shape`, `${name}/value`],
      attributes: { T: { type }, index_type: { type: 'int32' } },
    },
  ]);
  return { ...network, nodes: [...nodes, ...network.nodes], weights: [] };
}
