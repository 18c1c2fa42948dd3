/**
 * Reads the weights of a TensorFlow.js model: a manifest and the one file that it describes, whose
 * values may be stored in 8 or 16 bits. Knows no network.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf } from '../../runtime/errors.ts';
import type { Tensor } from '../checkpoint/tensor.ts';
import { CheckpointError } from '../errors.ts';
import { elementCount } from '../networks/graph.ts';

/** Values as they are stored in 8 bits: level · scale + min. */
export interface QuantizedValues {
  readonly data: Uint8Array;
  readonly scale: number;
  readonly min: number;
}

export interface TfjsTensor extends Tensor {
  readonly data: Float32Array | Int32Array;
  /** What `data` was computed from, where it is stored in 8 bits. */
  readonly levels?: QuantizedValues;
}

export type TfjsWeights = ReadonlyMap<string, TfjsTensor>;

/** Levels from 0 to 255, or 65,535. */
const affine = { scale: z.number().positive(), min: z.number() };

const SIZES: Readonly<Record<string, number>> = { float32: 4, int32: 4 };
const QUANTIZED_SIZES: Readonly<Record<string, number>> = { uint8: 1, uint16: 2, float16: 2 };

const manifestSchema = z
  .array(
    z.object({
      paths: z.array(z.string()),
      weights: z.array(
        z.object({
          name: z.string().min(1),
          shape: z.array(z.int().positive()),
          dtype: z.string(),
          quantization: z
            .union([
              z.object({ dtype: z.enum(['uint8', 'uint16']), ...affine }),
              z.object({ dtype: z.literal('float16') }),
              z.object({ dtype: z.string().refine((dtype) => !(dtype in QUANTIZED_SIZES)) }),
            ])
            .optional(),
        }),
      ),
    }),
  )
  .min(1);

type Spec = z.output<typeof manifestSchema>[number]['weights'][number];

/**
 * @param manifest path of the JSON file that says which tensors lie in the weights file, in their order
 * @param weights path of that file
 * @throws {CheckpointError} naming the file when one is missing, damaged, or not of the other, or has
 *   numbers of a type that is not known here
 */
export async function readTfjsWeights(manifest: string, weights: string): Promise<TfjsWeights> {
  const groups = parse(manifest, await read(manifest));
  const bytes = await read(weights);
  const files = groups.flatMap(({ paths }) => paths);
  if (files.length !== 1) {
    throw wrong(manifest, `it describes ${files.length} weights files: only one is supported`);
  }
  const specs = groups.flatMap((group) => group.weights);
  const described = specs.reduce((sum, spec) => sum + bytesOf(manifest, spec), 0);
  if (described !== bytes.length) {
    throw wrong(
      weights,
      `it has ${bytes.length} bytes where ${manifest} describes ${described}: is one of them cut short, or of another model?`,
    );
  }
  const tensors = new Map<string, TfjsTensor>();
  let at = 0;
  for (const spec of specs) {
    if (tensors.has(spec.name)) throw wrong(manifest, `it describes ${spec.name} twice`);
    const end = at + bytesOf(manifest, spec);
    tensors.set(spec.name, decode(spec, bytes.slice(at, end)));
    at = end;
  }
  return tensors;
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    throw new CheckpointError(`${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

function parse(path: string, bytes: Uint8Array): z.output<typeof manifestSchema> {
  try {
    return manifestSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause);
    throw wrong(path, `it is not a weights manifest of TensorFlow.js: ${why}`, cause);
  }
}

function bytesOf(manifest: string, { name, shape, dtype, quantization }: Spec): number {
  const size = SIZES[dtype] && (quantization ? QUANTIZED_SIZES[quantization.dtype] : SIZES[dtype]);
  if (size !== undefined && !(dtype === 'int32' && quantization)) return size * elementCount(shape);
  const stored = quantization ? ` stored as ${quantization.dtype}` : '';
  throw wrong(manifest, `it has ${name} in ${dtype}${stored}, which is not supported`);
}

/** @param bytes of a buffer of their own, little-endian */
function decode({ shape, dtype, quantization }: Spec, bytes: Uint8Array<ArrayBuffer>): TfjsTensor {
  const { buffer } = bytes;
  if (quantization === undefined) {
    return { shape, data: dtype === 'int32' ? new Int32Array(buffer) : new Float32Array(buffer) };
  }
  if (!('scale' in quantization)) {
    return { shape, data: Float32Array.from(new Float16Array(buffer)) };
  }
  const { scale, min } = quantization;
  const levels = quantization.dtype === 'uint8' ? bytes : new Uint16Array(buffer);
  const data = Float32Array.from(levels, (level) => level * scale + min);
  return {
    shape,
    data,
    ...(levels instanceof Uint8Array && { levels: { data: levels, scale, min } }),
  };
}

function wrong(path: string, what: string, cause?: unknown): CheckpointError {
  return new CheckpointError(`${path} cannot be used: ${what}.`, { cause });
}
