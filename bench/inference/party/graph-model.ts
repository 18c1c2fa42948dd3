/**
 * The converted tfjs graph model as tfjs loads it, and the same with batch normalization and scales as
 * separate layers again, as a converter without folding writes them.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';

const nodeSchema = z.looseObject({
  name: z.string(),
  op: z.string(),
  input: z.array(z.string()).default([]),
  attr: z.record(z.string(), z.unknown()).default({}),
});
export type Node = z.output<typeof nodeSchema>;

const weightSchema = z.looseObject({
  name: z.string(),
  shape: z.array(z.int().nonnegative()),
  dtype: z.literal(['float32', 'int32']),
});
type WeightSpec = z.output<typeof weightSchema>;

const modelSchema = z.looseObject({
  format: z.string(),
  modelTopology: z.looseObject({ node: z.array(nodeSchema) }),
  weightsManifest: z.array(
    z.object({ paths: z.array(z.string()), weights: z.array(weightSchema) }),
  ),
});

export interface GraphModel {
  readonly format: string;
  readonly modelTopology: { readonly node: Node[] };
  readonly weightSpecs: WeightSpec[];
  readonly weightData: ArrayBuffer;
}

/** @param path of model.json */
export async function readGraphModel(path: string): Promise<GraphModel> {
  const model = modelSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  const files: Buffer[] = [];
  for (const file of model.weightsManifest.flatMap(({ paths }) => paths)) {
    files.push(await readFile(join(dirname(path), file)));
  }
  return {
    format: model.format,
    modelTopology: model.modelTopology,
    weightSpecs: model.weightsManifest.flatMap(({ weights }) => weights),
    weightData: join32(files),
  };
}

/**
 * Every convolution with its bias and activation in one node becomes Conv2D, FusedBatchNormV3 (mean 0,
 * variance 1, scale 1, the bias as its offset) and the activation; the answers stay the same. Slopes
 * (Prelu) stay fused: the encoder has none.
 */
export function unfolded(model: GraphModel): GraphModel {
  const shapes = new Map(model.weightSpecs.map(({ name, shape }) => [name, shape]));
  const added = new Map<number, { one: string; zero: string }>();
  const node = model.modelTopology.node.flatMap((each): Node[] => {
    const activation = activationOf(each);
    if (each.op !== '_FusedConv2D' || activation === 'Prelu') return [each];
    const [input, filter, bias] = each.input as [string, string, string];
    const channels = shapes.get(bias)?.[0];
    if (channels === undefined) return [each];
    const constants = added.get(channels) ?? { one: `one_${channels}`, zero: `zero_${channels}` };
    added.set(channels, constants);
    const { one, zero } = constants;
    const { fused_ops: _, num_args: __, ...attr } = each.attr;
    const product = `${each.name}/unfolded`;
    const last = activation === undefined ? each.name : `${each.name}/norm`;
    return [
      { name: product, op: 'Conv2D', input: [input, filter], attr },
      {
        name: last,
        op: 'FusedBatchNormV3',
        input: [product, one, bias, zero, one],
        attr: { epsilon: { f: 0 }, data_format: { s: base64('NHWC') }, is_training: { b: false } },
      },
      ...(activation === undefined
        ? []
        : [{ name: each.name, op: activation, input: [last], attr: {} }]),
    ];
  });
  const made = [...added].flatMap(([channels, { one, zero }]) => [
    { name: one, data: new Float32Array(channels).fill(1) },
    { name: zero, data: new Float32Array(channels) },
  ]);
  return {
    format: model.format,
    modelTopology: { ...model.modelTopology, node: [...made.map(constantNode), ...node] },
    weightSpecs: [
      ...model.weightSpecs,
      ...made.map(({ name, data }) => ({
        name,
        shape: [data.length],
        dtype: 'float32' as const,
      })),
    ],
    weightData: join32([
      new Uint8Array(model.weightData),
      ...made.map(({ data }) => new Uint8Array(data.buffer)),
    ]),
  };
}

function activationOf({ attr }: Node): string | undefined {
  const fused = z
    .object({ list: z.object({ s: z.array(z.string()) }) })
    .safeParse(attr.fused_ops).data;
  return fused?.list.s.map((word) => Buffer.from(word, 'base64').toString())[1];
}

function constantNode({ name, data }: { name: string; data: Float32Array }): Node {
  const shape = { dim: [{ size: String(data.length) }] };
  return {
    name,
    op: 'Const',
    input: [],
    attr: {
      dtype: { type: 'DT_FLOAT' },
      value: { tensor: { dtype: 'DT_FLOAT', tensorShape: shape } },
    },
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function join32(parts: readonly Uint8Array[]): ArrayBuffer {
  const all = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.byteLength;
  }
  return all.buffer;
}
