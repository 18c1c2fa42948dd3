import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CheckpointError } from '../errors.ts';
import { numpyArray, numpyScalar, safetensorsFile } from './other-forms.fixture.ts';
import { TensorValue } from './pickle/pickle-values.ts';
import { readCheckpoint, readGalleryFile, readStateDict } from './read-checkpoint.ts';
import { put, temporaryFolder } from './temporary-file.fixture.ts';
import { assemble, legacyFile, pickle, text, zipFile } from './torch-file.fixture.ts';

const folder = temporaryFolder();
const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const utf32 = (value: string, characters: number) => {
  const codes = new Uint32Array(characters);
  for (const [at, one] of [...value].entries()) codes[at] = one.codePointAt(0)!;
  return new Uint8Array(codes.buffer);
};

async function refused(file: Uint8Array, reason: RegExp): Promise<void> {
  const path = await put(folder, 'refused.pt', file);
  await assert.rejects(readStateDict(path), (error) => {
    assert.ok(error instanceof CheckpointError, String(error));
    assert.match(error.message, reason);
    return true;
  });
}

describe('a safetensors file', () => {
  test('is read as a state dict, whatever its name', async () => {
    const file = safetensorsFile({
      'conv.weight': { dtype: 'F32', shape: [2, 2], bytes: floats(1, 2, 3, 4) },
      'conv.half': { dtype: 'F16', shape: [1], bytes: Uint8Array.of(0, 0x3c) },
      'bn.steps': { dtype: 'I64', shape: [], bytes: new Uint8Array(8) },
    });
    const state = await readStateDict(await put(folder, 'encoder.pt', file));
    assert.deepEqual(state.get('conv.weight'), {
      shape: [2, 2],
      data: Float32Array.of(1, 2, 3, 4),
    });
    assert.deepEqual(state.get('conv.half')?.data, Float32Array.of(1));
    assert.deepEqual(state.get('bn.steps')?.data, BigInt64Array.of(0n));
  });

  const whole = { dtype: 'F32', shape: [2], bytes: floats(1, 2) };
  for (const [what, file, reason] of [
    ['that is cut short', safetensorsFile({ a: whole }).subarray(0, -1), /cut short/],
    [
      'whose tensors overlap',
      safetensorsFile({ a: whole, b: { ...whole, at: 0 }, c: { ...whole, at: 0 } }).subarray(0, -8),
      /overlap|cut short/,
    ],
    [
      'with another shape than size',
      safetensorsFile({ a: { ...whole, shape: [3] } }),
      /another size/,
    ],
    [
      'with a size beyond all numbers',
      safetensorsFile({ a: { ...whole, shape: [2 ** 50, 2 ** 50] } }),
      /another size/,
    ],
    [
      'of a type that is not read',
      safetensorsFile({ a: { ...whole, dtype: 'F8_E4M3' } }),
      /"F8_E4M3": save it as F32/,
    ],
    ['without tensors', safetensorsFile({}), /does not hold a state dict/],
    [
      'with a broken header',
      assemble(Buffer.from('0700000000000000', 'hex'), '{"a":1,'),
      /header is damaged/,
    ],
    [
      'with a header of other things',
      assemble(Buffer.from('0700000000000000', 'hex'), '{"a":1}'),
      /describes "a" wrongly/,
    ],
  ] as const) {
    test(`${what} is refused`, () => refused(file, reason));
  }
});

describe('NumPy’s arrays', () => {
  const readNumpy = async (instructions: Uint8Array) => {
    const file = zipFile([], { object: pickle(instructions) });
    return readCheckpoint(await put(folder, 'numpy.pt', file));
  };
  const numbers = { type: 'f4', shape: [2, 3], content: floats(1, 2, 3, 4, 5, 6) };

  for (const core of ['numpy.core', 'numpy._core'] as const) {
    test(`of ${core} are tensors`, async () => {
      const value = await readNumpy(numpyArray({ ...numbers, core }));
      assert.ok(value instanceof TensorValue);
      assert.deepEqual(value.read(), { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) });
    });
  }

  test('in Fortran’s order are put into C’s', async () => {
    const value = await readNumpy(numpyArray({ ...numbers, fortran: true }));
    assert.ok(value instanceof TensorValue);
    assert.deepEqual([...value.read().data], [1, 3, 5, 2, 4, 6]);
  });

  test('of texts, objects and single values are what they hold', async () => {
    const names = numpyArray({
      type: 'U3',
      shape: [2],
      content: Buffer.concat([utf32('Zoë', 3), utf32('吉𠮷', 3)]),
    });
    const objects = numpyArray({
      type: 'O8',
      shape: [1],
      content: assemble(']', text('Ada'), 'a'),
      objects: true,
      byteOrder: '|',
    });
    const single = numpyScalar('U3', utf32('Bob', 3));
    const value = await readNumpy(assemble(']', '(', names, objects, single, 'e'));
    assert.ok(Array.isArray(value));
    const read = value.map((one) => (one instanceof TensorValue ? one.items : one));
    assert.deepEqual(read, [['Zoë', '吉𠮷'], ['Ada'], 'Bob']);
  });

  test('are embeddings and names of a gallery', async () => {
    const embedding = new Float32Array(512);
    embedding[0] = 1;
    const faces = numpyArray({
      type: 'f4',
      shape: [1, 512],
      content: new Uint8Array(embedding.buffer),
    });
    const names = numpyArray({ type: 'U3', shape: [1], content: utf32('Ada', 3) });
    const object = pickle(assemble(']', '(', faces, names, 'e'));
    const path = await put(folder, 'gallery.pt', legacyFile([], { object }));
    const { gallery } = await readGalleryFile(path);
    assert.deepEqual(gallery.names, ['Ada']);
    assert.deepEqual(gallery.embeddings, embedding);
  });

  for (const [what, parts, reason] of [
    ['that are big-endian', { ...numbers, byteOrder: '>' }, /big-endian/],
    ['of complex numbers', { ...numbers, type: 'c8' }, /type "c8": save it as float32/],
    ['of bytes', { ...numbers, type: 'S4' }, /type "S4": save it as str/],
    ['of another size than their shape', { ...numbers, shape: [7] }, /another size/],
    ['of 65 axes', { ...numbers, shape: new Array(65).fill(1) }, /at most 64/],
    ['with a name for a type', { ...numbers, type: 'os.system' }, /type unknown/],
    [
      'of texts that are not Unicode',
      { type: 'U1', shape: [1], content: Uint8Array.of(0, 0, 0, 255) },
      /not Unicode/,
    ],
  ] as const) {
    test(`${what} are refused`, async () => {
      const array = numpyArray(parts);
      const reading = async () => {
        const value = await readNumpy(array);
        return value instanceof TensorValue ? value.read() : value;
      };
      await assert.rejects(reading, reason);
    });
  }

  test('that are many over the same bytes do not fill the memory', async () => {
    const array = numpyArray({ ...numbers, shape: [10_000], content: new Uint8Array(40_000) });
    const [start, end] = [array.subarray(0, -1), array.subarray(-1)];
    assert.equal(end.toString(), 'b');
    // The state is kept in the memo, and given to one array after another.
    const again = numpyArray({ ...numbers, shape: [0], content: new Uint8Array() });
    const blank = again.subarray(0, again.indexOf('R', again.indexOf('R') + 1) + 1);
    const more = Array.from({ length: 100 }, () => assemble(blank, 'h', 7, 'b'));
    const many = assemble(']', '(', start, 'q', 7, end, ...more, 'e');
    await assert.rejects(readNumpy(many), /many times larger than the file/);
  });
});

test('pickle protocol 1 is read in both layouts', async () => {
  // True, 7, -8 and 2^40, as protocol 1 writes them.
  const object = assemble(']', '(', 'I01\n', 'K', 7, 'I-8\n', 'L1099511627776L\n', 'e', '.');
  const magic = assemble('L119547037146038801333356L\n.');
  for (const file of [zipFile([], { object }), legacyFile([], { object, magic })]) {
    const path = await put(folder, 'protocol1.pt', file);
    assert.deepEqual(await readCheckpoint(path), [true, 7, -8, 2 ** 40]);
  }
});
