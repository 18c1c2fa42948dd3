/** Weights are read as TensorFlow.js reads them, and every damage is refused in words. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { put, temporaryFolder } from '../checkpoint/temporary-file.fixture.ts';
import { CheckpointError } from '../errors.ts';
import { readTfjsWeights } from './tfjs-weights.ts';

const folder = temporaryFolder();
let count = 0;

/** Writes a manifest with these weights, and their file. */
async function filesOf(
  weights: readonly object[] | string,
  bytes: Uint8Array,
  paths: readonly string[] = ['weights.bin'],
): Promise<[manifest: string, weights: string]> {
  const name = String(count++);
  const json = typeof weights === 'string' ? weights : JSON.stringify([{ paths, weights }]);
  await put(folder, `${name}.json`, json);
  await put(folder, `${name}.bin`, bytes);
  return [join(folder, `${name}.json`), join(folder, `${name}.bin`)];
}

function bytesOf(...parts: readonly ArrayBufferView[]): Uint8Array {
  return Buffer.concat(
    parts.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)),
  );
}

test('every number format is read, one tensor after the other, wherever it begins', async () => {
  const paths = await filesOf(
    [
      {
        name: 'eight',
        shape: [3],
        dtype: 'float32',
        quantization: { dtype: 'uint8', scale: 0.5, min: -1 },
      },
      { name: 'plain', shape: [2, 1], dtype: 'float32' },
      {
        name: 'sixteen',
        shape: [1],
        dtype: 'float32',
        quantization: { dtype: 'uint16', scale: 2, min: 3 },
      },
      { name: 'half', shape: [1], dtype: 'float32', quantization: { dtype: 'float16' } },
      { name: 'whole', shape: [1], dtype: 'int32' },
    ],
    bytesOf(
      Uint8Array.of(0, 1, 255),
      Float32Array.of(1.25, -8),
      Uint16Array.of(60_000),
      Float16Array.of(0.1),
      Int32Array.of(-7),
    ),
  );
  const tensors = await readTfjsWeights(...paths);
  const data = Object.fromEntries([...tensors].map(([name, one]) => [name, [...one.data]]));
  assert.deepEqual(data, {
    eight: [-1, -0.5, 126.5],
    plain: [1.25, -8],
    sixteen: [120_003],
    half: [Number(Math.f16round(0.1))],
    whole: [-7],
  });
  assert.deepEqual(tensors.get('plain')?.shape, [2, 1]);
  assert.deepEqual(tensors.get('eight')?.levels, {
    data: Uint8Array.of(0, 1, 255),
    scale: 0.5,
    min: -1,
  });
  assert.equal(tensors.get('sixteen')?.levels, undefined);
});

const one = { name: 'a', shape: [4], dtype: 'float32' };
const bytes = new Uint8Array(16);

for (const [what, weights, given, message] of [
  ['fewer bytes', [one], bytes.subarray(1), /has 15 bytes where .* describes 16/],
  ['more bytes', [one], new Uint8Array(17), /has 17 bytes where/],
  ['text that is not JSON', '[{"paths"', bytes, /not a weights manifest of TensorFlow\.js/],
  ['another JSON', '{"weights": []}', bytes, /not a weights manifest/],
  ['no group', '[]', bytes, /not a weights manifest/],
  ['a shape that is no shape', [{ ...one, shape: [-4] }], bytes, /not a weights manifest/],
  ['a type that is not known', [{ ...one, dtype: 'complex64' }], bytes, /a in complex64, which/],
  [
    'a storage that is not known',
    [{ ...one, quantization: { dtype: 'int4', scale: 1, min: 0 } }],
    bytes,
    /a in float32 stored as int4/,
  ],
  [
    'a storage without its scale',
    [{ ...one, quantization: { dtype: 'uint8' } }],
    bytes,
    /not a weights manifest/,
  ],
  [
    'a name twice',
    [
      { ...one, shape: [2] },
      { ...one, shape: [2] },
    ],
    bytes,
    /describes a twice/,
  ],
] as const) {
  test(`a file with ${what} is refused by its name`, async () => {
    const paths = await filesOf(weights, given);
    await assert.rejects(readTfjsWeights(...paths), (error) => {
      assert.ok(error instanceof CheckpointError);
      assert.match(error.message, message);
      assert.ok(paths.some((path) => error.message.startsWith(path)));
      return true;
    });
  });
}

test('weights in several files are refused', async () => {
  const paths = await filesOf([one], bytes, ['a.bin', 'b.bin']);
  await assert.rejects(readTfjsWeights(...paths), /describes 2 weights files/);
});

test('a missing file is an error that names it', async () => {
  const [manifest] = await filesOf([one], bytes);
  for (const paths of [
    [manifest, join(folder, 'nowhere')],
    [join(folder, 'nowhere'), manifest],
  ] as const) {
    await assert.rejects(readTfjsWeights(...paths), {
      name: 'CheckpointError',
      message: /nowhere cannot be read/,
    });
  }
});
