/** The model as a TensorFlow.js graph on WebAssembly: slower than the native library, but runs anywhere. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import type { Tensor } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { messageOf } from '../../runtime/errors.ts';
import { commandLine } from '../../runtime/installation.ts';
import { ModelError, noSimd } from '../errors.ts';
import { modelFiles } from '../format.ts';
import type { OutputTensor, Session } from './session.ts';
import { useOwnConvolutions } from './wasm-convolutions.ts';

const unpack = promisify(inflate);
const require = createRequire(import.meta.url);

const graphModelSchema = z.object({
  format: z.literal('graph-model'),
  modelTopology: z.looseObject({
    versions: z.looseObject({}),
    node: z.array(z.looseObject({ name: z.string(), op: z.string() })),
  }),
  weightsManifest: z
    .array(
      z.object({
        paths: z.tuple([z.string()]),
        compression: z.literal('zlib').optional(),
        weights: z.array(
          z.object({
            name: z.string(),
            shape: z.array(z.int().nonnegative()),
            dtype: z.literal(['float32', 'int32']),
            quantization: z
              .union([
                z.object({ dtype: z.literal('float16'), original_dtype: z.literal('float32') }),
                z.object({ dtype: z.literal('uint8'), scale: z.number(), min: z.number() }),
              ])
              .optional(),
          }),
        ),
      }),
    )
    .min(1),
});

/**
 * @throws {BackendError} when WebAssembly with SIMD does not run here
 * @throws {ModelError} when the folder's graph model cannot be read
 */
export async function openWasm(directory: string): Promise<Session> {
  const [{ tf, adopt }, { loadGraphModel }] = await Promise.all([
    startWasm(),
    import('@tensorflow/tfjs-converter'),
  ]);
  const artifacts = await readArtifacts(directory);
  const model = await loadGraphModel({ load: async () => artifacts });
  adopt?.(Object.values(model.weights).flat());
  return {
    backend: 'wasm',
    blocks: false,
    fewCounts: false,
    precision: 'float32',
    run(signature, input, outputs) {
      const tensor = tf.tensor4d(input.data, input.shape);
      let results: Tensor[] = [];
      try {
        results = [
          model.execute(
            { [`${signature}/${input.name}`]: tensor },
            outputs.map((name) => `${signature}/${name}`),
          ),
        ].flat();
        const read = {} as Record<(typeof outputs)[number], OutputTensor>;
        for (const [index, name] of outputs.entries()) {
          const result = results[index] as Tensor;
          read[name] = { data: result.dataSync() as Float32Array, shape: result.shape };
        }
        return read;
      } finally {
        tf.dispose([tensor, results]);
      }
    },
    dispose: () => model.dispose(),
  };
}

/** Started once per process: a second start at the same time would abort the first. */
let started: Promise<StartedWasm> | undefined;

export interface StartedWasm {
  readonly tf: typeof import('@tensorflow/tfjs-core');
  readonly adopt: ReturnType<typeof useOwnConvolutions>;
}

export function startWasm(): Promise<StartedWasm> {
  started ??= start();
  return started;
}

async function start(): Promise<StartedWasm> {
  const [tf, { setWasmPaths }] = await Promise.all([
    import('@tensorflow/tfjs-core'),
    import('@tensorflow/tfjs-backend-wasm'),
  ]);
  setWasmPaths(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')) + sep);
  if (!(await tf.setBackend('wasm'))) {
    throw noSimd();
  }
  return { tf, adopt: useOwnConvolutions(tf) };
}

async function readArtifacts(directory: string) {
  try {
    const text = await readFile(join(directory, modelFiles.graphModel), 'utf8');
    const { format, modelTopology, weightsManifest } = graphModelSchema.parse(JSON.parse(text));
    const shards = await Promise.all(
      weightsManifest.map(async ({ paths: [path], compression }) => {
        const bytes = await readFile(join(directory, path));
        return compression === undefined ? bytes : unpack(bytes);
      }),
    );
    return {
      format,
      modelTopology,
      weightSpecs: weightsManifest.flatMap(({ weights }) => weights),
      weightData: shards.map(wholeBuffer),
    };
  } catch (cause) {
    throw new ModelError(
      `The graph model in ${directory} cannot be read (${messageOf(cause).split('\n')[0]}): convert it again with \`${commandLine('convert')}\`.`,
      { cause },
    );
  }
}

/** The bytes as an ArrayBuffer, without a copy if the Buffer has an ArrayBuffer of its own. */
function wholeBuffer({ buffer, byteOffset, byteLength }: Buffer): ArrayBuffer {
  const whole = byteOffset === 0 && byteLength === buffer.byteLength;
  return (whole ? buffer : buffer.slice(byteOffset, byteOffset + byteLength)) as ArrayBuffer;
}
