import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OrderedDict } from './pickle/pickle-values.ts';
import { readCheckpoint, readStateDict } from './read-checkpoint.ts';
import { put, temporaryFolder } from './temporary-file.fixture.ts';
import {
  type FixtureValue,
  legacyFile,
  storage,
  TensorFixture,
  zipFile,
} from './torch-file.fixture.ts';

const folder = temporaryFolder();
const counting = (length: number) => Float32Array.from({ length }, (_, index) => index);

const layouts: Record<string, (value: FixtureValue) => Buffer> = {
  'the legacy layout': legacyFile,
  'the zip layout': zipFile,
  'the zip layout in pickle protocol 4': (value) =>
    zipFile(value, { protocol: 4, globals: 'STACK_GLOBAL', byteOrder: 'little' }),
};

for (const [layout, write] of Object.entries(layouts)) {
  describe(layout, () => {
    const read = async (state: Map<string, TensorFixture>) =>
      readStateDict(await put(folder, 'state.pt', write(state)));
    const readOne = async (tensor: TensorFixture) =>
      (await read(new Map([['t', tensor]]))).get('t')!;

    for (const [type, data] of [
      ['Float', Float32Array.of(1.5, -2, 3e38, 1e-40)],
      ['Double', Float64Array.of(Math.PI, -1e300)],
      ['Long', BigInt64Array.of(-1n, 2n ** 62n)],
      ['Int', Int32Array.of(-5, 2 ** 31 - 1)],
      ['Byte', Uint8Array.of(0, 255)],
    ] as const) {
      test(`gives ${type} elements back`, async () => {
        const tensor = await readOne(new TensorFixture(storage('0', type, data), [1, data.length]));
        assert.deepEqual(tensor, { shape: [1, data.length], data });
      });
    }

    test('widens half precision to float32', async () => {
      const bits = Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x7c00, 0xfc00, 0x8000);
      const { data } = await readOne(new TensorFixture(storage('0', 'Half', bits), [8]));
      const expected = [1, -2, 65504, 2 ** -24, 2 ** -14, Infinity, -Infinity, -0];
      assert.deepEqual(data, Float32Array.from(expected));
    });

    test('widens bfloat16 to float32', async () => {
      const bits = Uint16Array.of(0x3f80, 0xc040, 0x7f80);
      const { data } = await readOne(new TensorFixture(storage('0', 'BFloat16', bits), [3]));
      assert.deepEqual(data, Float32Array.of(1, -3, Infinity));
    });

    for (const [what, shape, strides, offset, expected] of [
      ['a transposed matrix', [3, 2], [1, 3], 0, [0, 3, 1, 4, 2, 5]],
      ['a part of a larger storage', [2, 2], [2, 1], 8, [8, 9, 10, 11]],
      ['every other column', [2, 3], [6, 2], 0, [0, 2, 4, 6, 8, 10]],
      ['a permuted cube', [2, 3, 2], [1, 2, 6], 0, [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11]],
      ['one repeated row', [3, 2], [0, 1], 4, [4, 5, 4, 5, 4, 5]],
      ['axes of one, whatever their strides', [1, 4, 1], [99, 1, 0], 2, [2, 3, 4, 5]],
      ['a single number', [], [], 7, [7]],
      ['no number at all', [0, 5], [5, 1], 0, []],
    ] as const) {
      test(`gives ${what} in C order`, async () => {
        const data = storage('0', 'Float', counting(12));
        const tensor = await readOne(new TensorFixture(data, shape, strides, offset));
        assert.deepEqual(tensor, { shape, data: Float32Array.from(expected) });
      });
    }

    test('gives tensors that share a storage each their own numbers', async () => {
      const common = storage('0', 'Float', counting(6));
      const state = await read(
        new Map([
          ['head', new TensorFixture(common, [2])],
          ['tail', new TensorFixture(common, [4], [1], 2)],
        ]),
      );
      state.get('head')!.data[0] = 100;
      assert.deepEqual(state.get('head')!.data, Float32Array.of(100, 1));
      assert.deepEqual(state.get('tail')!.data, Float32Array.of(2, 3, 4, 5));
    });

    test('gives nested plain values', async () => {
      const value = [['a', 'Zoë'], new Map([['n', 2 ** 40]]), -7];
      const path = await put(folder, 'plain.pt', write(value));
      const expected = [['a', 'Zoë'], new OrderedDict([['n', 2 ** 40]]), -7];
      assert.deepEqual(await readCheckpoint(path), expected);
    });
  });
}

test('the legacy layout’s views of a storage are followed', async () => {
  const whole = storage('root', 'Float', counting(10));
  const view = { ...whole, view: { key: 'view', offset: 4, length: 3 } };
  const state = new Map([['part', new TensorFixture(view, [2], [1], 1)]]);
  const path = await put(folder, 'view.pt', legacyFile(state));
  assert.deepEqual((await readStateDict(path)).get('part')!.data, Float32Array.of(5, 6));
});

test('a view that reaches beyond its storage is refused', async () => {
  const whole = storage('root', 'Float', counting(10));
  const view = { ...whole, view: { key: 'view', offset: 8, length: 3 } };
  const path = await put(
    folder,
    'view.pt',
    legacyFile(new Map([['part', new TensorFixture(view, [2])]])),
  );
  await assert.rejects(readStateDict(path), /a part of its storage "root" reaches beyond/);
});

test('files of big-endian machines are refused with a word', async () => {
  const legacy = await put(folder, 'big.pt', legacyFile([], { littleEndian: false }));
  await assert.rejects(readCheckpoint(legacy), /not written by a little-endian machine/);
  const zip = await put(folder, 'big.pt', zipFile([], { byteOrder: 'big' }));
  await assert.rejects(readCheckpoint(zip), /not written by a little-endian machine/);
});

test('a version of the legacy layout that does not exist is refused', async () => {
  const path = await put(folder, 'version.pt', legacyFile([], { protocol: 1002 }));
  await assert.rejects(readCheckpoint(path), /layout is not of the version 1001/);
});
