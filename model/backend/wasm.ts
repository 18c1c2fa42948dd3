/** The model as a TensorFlow.js graph on WebAssembly: slower than the native library, runs anywhere. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../../runtime/errors.ts';
import { BackendError, ModelError } from '../errors.ts';
import { modelFiles } from '../format.ts';
import type { OutputTensor, Session } from './session.ts';

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
        paths: z.array(z.string()).length(1),
        weights: z.array(
          z.object({
            name: z.string(),
            shape: z.array(z.int().nonnegative()),
            dtype: z.literal(['float32', 'int32']),
          }),
        ),
      }),
    )
    .length(1),
});

/**
 * @throws {BackendError} when WebAssembly with SIMD does not run here
 * @throws {ModelError} when the folder's graph model cannot be read
 */
export async function openWasm(directory: string): Promise<Session> {
  const [tf, { loadGraphModel }] = await Promise.all([
    startWasm(),
    import('@tensorflow/tfjs-converter'),
  ]);
  const artifacts = await readArtifacts(directory);
  const model = await loadGraphModel({ load: async () => artifacts });
  return {
    backend: 'wasm',
    run(signature, input, outputs) {
      // Takes effect at once, since the backend is registered: another one may have run meanwhile.
      if (tf.getBackend() !== 'wasm') void tf.setBackend('wasm');
      const tensor = tf.tensor4d(input.data, input.shape);
      const results = model.execute(
        { [`${signature}/${input.name}`]: tensor },
        outputs.map((name) => `${signature}/${name}`),
      );
      tensor.dispose();
      const read = {} as Record<(typeof outputs)[number], OutputTensor>;
      [results].flat().forEach((result, index) => {
        read[outputs[index] as (typeof outputs)[number]] = {
          data: result.dataSync() as Float32Array,
          shape: result.shape,
        };
        result.dispose();
      });
      return read;
    },
    dispose: () => model.dispose(),
  };
}

async function startWasm() {
  const [tf, { setWasmPaths }] = await Promise.all([
    import('@tensorflow/tfjs-core'),
    import('@tensorflow/tfjs-backend-wasm'),
  ]);
  if (tf.findBackend('wasm') === null || tf.getBackend() !== 'wasm') {
    setWasmPaths(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')) + sep);
    const started = await tf.setBackend('wasm').catch(() => false);
    if (!started) {
      throw new BackendError('WebAssembly with SIMD does not run here: update Node.');
    }
  }
  return tf;
}

async function readArtifacts(directory: string) {
  try {
    const [text, bytes] = await Promise.all([
      readFile(join(directory, modelFiles.graphModel), 'utf8'),
      readFile(join(directory, modelFiles.weights)),
    ]);
    const { format, modelTopology, weightsManifest } = graphModelSchema.parse(JSON.parse(text));
    return {
      format,
      modelTopology,
      weightSpecs: weightsManifest[0]?.weights ?? [],
      weightData: wholeBuffer(bytes),
    };
  } catch (cause) {
    throw new ModelError(
      `The graph model in ${directory} cannot be read (${messageOf(cause).split('\n')[0]}): convert it anew with \`npm run convert\`.`,
      { cause },
    );
  }
}

/** The bytes as an ArrayBuffer; a file read whole has one of its own, which is not copied. */
function wholeBuffer({ buffer, byteOffset, byteLength }: Buffer): ArrayBuffer {
  const whole = byteOffset === 0 && byteLength === buffer.byteLength;
  return (whole ? buffer : buffer.slice(byteOffset, byteOffset + byteLength)) as ArrayBuffer;
}
