/** The plan of an encoder for its own kernels: feature maps, and steps from one to another. */
import { z } from 'zod';

const count = z
  .int()
  .min(0)
  .max(2 ** 30);

/** Channels last, with a border of zeros of that many lines above and below, and columns on both sides. */
const mapSchema = z.object({
  height: count,
  width: count,
  channels: count,
  border: z.object({ y: count, x: count }),
  /** Of its numbers. The image and the answer are float32. */
  type: z.enum(['float32', 'bfloat16']),
});
export type PlanMap = z.output<typeof mapSchema>;

/** As the kernels number them. */
export const stepKinds = ['convolution', 'maximum', 'mean', 'normalise', 'cast'] as const;
/** How weights are stored, as the kernels number them. */
const storages = ['float32', 'bfloat16', 'float16'] as const;

export const planWeightsSchema = z.object({
  /** Where they begin in the file, in units of four bytes. */
  at: count,
  storage: z.enum(storages),
});
export type PlanWeights = z.output<typeof planWeightsSchema>;

const stepSchema = z.object({
  kind: z.enum(stepKinds),
  /** Indices of the maps that it reads and writes. */
  from: count,
  to: count,
  /** First channel that it writes. */
  channel: count,
  height: count,
  width: count,
  stride: count,
  /** Lines above and columns left of the map that the first window covers. */
  top: count,
  left: count,
  outputs: count,
  /** Whether the result is added to what is there. */
  add: z.boolean(),
  relu: z.boolean(),
  /** Of a convolution. */
  filter: planWeightsSchema,
  bias: planWeightsSchema,
});
export type PlanStep = z.output<typeof stepSchema>;

export const planSchema = z.object({
  /** Number of the first steps, which are computed one image at a time. */
  each: count,
  maps: z.array(mapSchema),
  /** The last one's map is the answer; the first map is the image. */
  steps: z.array(stepSchema),
});
export type EncoderPlan = z.output<typeof planSchema>;

/** The plan in the order in which the kernels read it. @param batch most images at a time */
export function planWords({ each, maps, steps }: EncoderPlan, batch: number): Int32Array {
  return Int32Array.from([
    each,
    batch,
    maps.length,
    ...maps.flatMap(({ height, width, channels, border, type }) => [
      ...[height, width, channels],
      ...[border.y, border.x, Number(type === 'bfloat16')],
    ]),
    steps.length,
    ...steps.flatMap(({ kind, add, relu, ...step }) => [
      ...[stepKinds.indexOf(kind), step.from, step.to, step.channel],
      ...[step.height, step.width, step.stride, step.top, step.left, step.outputs],
      ...[Number(add), Number(relu)],
      ...[step.filter, step.bias].flatMap(({ at, storage }) => [at, storages.indexOf(storage)]),
    ]),
  ]);
}
