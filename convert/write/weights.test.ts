import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inflateSync } from 'node:zlib';
import { NetworkBuilder } from '../networks/network-builder.ts';
import { layoutWeights, rowsOf, stored, writeWeights } from './weights.ts';

/** bfloat16 bits as the number they stand for. */
function fromBfloat16(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!;
}

test('bfloat16 is the nearest number of eight digits, ties to even', () => {
  // 1 + 2^-7 is the next after 1; half of the way to it goes to the even one.
  const cases: [number, number][] = [
    [1, 1],
    [1 + 2 ** -8, 1],
    [1 + 2 ** -8 + 2 ** -20, 1 + 2 ** -7],
    [1 + 3 * 2 ** -8, 1 + 2 ** -6],
    [-0.1, -0.10009765625],
    [0, 0],
  ];
  const bits = stored(
    { data: Float32Array.from(cases, ([value]) => value) },
    'bfloat16',
  ) as Uint16Array;
  assert.deepEqual(
    [...bits].map(fromBfloat16),
    cases.map(([, nearest]) => nearest),
  );
});

test('a weight that float16 cannot hold is refused', () => {
  assert.throws(() => stored({ data: Float32Array.of(1, 70_000) }, 'float16'), RangeError);
  assert.deepEqual(stored({ data: Float32Array.of(1 / 3) }, 'float16'), Float16Array.of(1 / 3));
});

test('weights of several formats lie in one file, those of one together, each from a row on', async () => {
  const builder = new NetworkBuilder('net');
  const x = builder.cast('cast', builder.input('x', [-1, 1, 1, 1]), 'bfloat16');
  const filter = {
    filter: Float32Array.of(1, 2),
    filterShape: [1, 1, 1, 2],
    bias: Float32Array.of(3, 4),
  };
  const y = builder.cast(
    'back',
    builder.convolution('conv', x, filter, { stride: 1, padding: 'VALID' }),
    'float32',
  );
  builder.dense('dense', y, {
    matrix: Float32Array.of(5, 6),
    matrixShape: [2, 1],
    bias: Float32Array.of(7),
  });
  const layout = layoutWeights([builder.finish([{ name: 'dense', shape: [-1, 1] }])]);
  assert.deepEqual(
    layout.weights.map(({ storage, rows }) => [storage, rows]),
    [
      ['bfloat16', 1],
      ['bfloat16', 1],
      ['float32', 1],
      ['float32', 1],
    ],
  );
  const folder = await mkdtemp(join(tmpdir(), 'elastic-face-'));
  try {
    await writeWeights(join(folder, 'weights.bin'), layout);
    const { buffer, byteOffset, length } = await readFile(join(folder, 'weights.bin'));
    assert.equal(length, 64 * rowsOf(layout.weights));
    const view = new DataView(buffer, byteOffset, length);
    assert.deepEqual(
      [0, 2, 4, 64, 66, 68].map((at) => fromBfloat16(view.getUint16(at, true))),
      [1, 2, 0, 3, 4, 0],
    );
    assert.deepEqual(
      [128, 132, 136, 192].map((at) => view.getFloat32(at, true)),
      [5, 6, 0, 7],
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a compressed file unpacks to the plain one', async () => {
  const builder = new NetworkBuilder('small');
  const x = builder.input('x', [-1, 2]);
  builder.dense('dense', x, {
    matrix: Float32Array.of(5, 6),
    matrixShape: [2, 1],
    bias: Float32Array.of(7),
  });
  const networks = [builder.finish([{ name: 'dense', shape: [-1, 1] }])];
  const folder = await mkdtemp(join(tmpdir(), 'elastic-face-'));
  try {
    const [plain, small] = [join(folder, 'plain.bin'), join(folder, 'small.bin')];
    await writeWeights(plain, layoutWeights(networks));
    await writeWeights(small, layoutWeights(networks, undefined, true));
    assert.deepEqual(inflateSync(await readFile(small)), await readFile(plain));
    assert.equal((await readFile(plain)).length, 2 * 64);
  } finally {
    await rm(folder, { recursive: true });
  }
});
