import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readGalleryFile } from '../checkpoint/read-checkpoint.ts';
import { put, temporaryFolder } from '../checkpoint/temporary-file.fixture.ts';
import {
  type FixtureValue,
  legacyFile,
  storage,
  TensorFixture,
} from '../checkpoint/torch-file.fixture.ts';
import { CheckpointError } from '../errors.ts';

const folder = temporaryFolder();
const read = async (value: FixtureValue) =>
  readGalleryFile(await put(folder, 'gallery.pt', legacyFile(value)));

/** An embedding of length 1 whose first number tells it from others. */
function numbers(first: number, length = 512): Float32Array {
  const values = new Float32Array(length);
  values[0] = first;
  values[1] = Math.sqrt(1 - first * first);
  return values;
}

let keys = 0;
const tensor = (data: Float32Array | Float64Array, shape: readonly number[]) => {
  const type = data instanceof Float64Array ? 'Double' : 'Float';
  return new TensorFixture(storage(String(keys++), type, data), shape);
};
const face = (first: number) => tensor(numbers(first), [1, 512]);
const stacked = (...firsts: number[]) =>
  Float32Array.from(firsts.flatMap((first) => [...numbers(first)]));

/** What a file of two people gives, whichever form it has. */
const expected = { names: ['Zoë', 'Adam'], firsts: [0.25, 0.75] };

describe('a gallery file is read whatever form it has, where it is clear whose embedding is whose', () => {
  const names = ['Zoë', 'Adam'];
  const paths = ['photos/1.jpg', 'photos/2.JPG'];
  const faces = () => [face(0.25), face(0.75)];
  const forms: Record<string, FixtureValue> = {
    'a list of embeddings and a list of names': [faces(), names],
    'names first': [names, faces()],
    vectors: [[tensor(numbers(0.25), [512]), tensor(numbers(0.75), [512])], names],
    'one stacked tensor': [tensor(stacked(0.25, 0.75), [2, 512]), names],
    'one stacked tensor of single rows': [tensor(stacked(0.25, 0.75), [2, 1, 512]), names],
    float64: [[0.25, 0.75].map((one) => tensor(Float64Array.from(numbers(one)), [512])), names],
    'a list of paths besides': [faces(), names, paths],
    'a dict of columns': new Map<string, FixtureValue>([
      ['names', names],
      ['embeddings', faces()],
      ['version', 1],
    ]),
    'a dict by name': new Map([
      ['Zoë', face(0.25)],
      ['Adam', face(0.75)],
    ]),
    pairs: [
      ['Zoë', face(0.25)],
      ['Adam', face(0.75)],
    ],
    'pairs with a path': [
      [face(0.25), 'Zoë', 'a.jpg'],
      [face(0.75), 'Adam', 'b.jpg'],
    ],
    'a dict for each': [
      new Map<string, FixtureValue>([
        ['name', 'Zoë'],
        ['embedding', face(0.25)],
      ]),
      new Map<string, FixtureValue>([
        ['name', 'Adam'],
        ['embedding', face(0.75)],
      ]),
    ],
    'NFD and outer spaces': [faces(), ['Zoe\u0308 ', '\u00a0Adam']],
  };
  for (const [form, value] of Object.entries(forms)) {
    test(form, async () => {
      const { gallery, doubts } = await read(value);
      assert.deepEqual(gallery.names, expected.names);
      assert.equal(gallery.embeddings.length, 1024);
      assert.deepEqual([gallery.embeddings[0], gallery.embeddings[512]], expected.firsts);
      assert.deepEqual(doubts, []);
    });
  }

  test('several embeddings of a person in a dict by name', async () => {
    const value = new Map<string, FixtureValue>([
      ['Zoë', tensor(stacked(0.25, 0.5), [2, 512])],
      ['Adam', [face(0.75)]],
    ]);
    const { gallery } = await read(value);
    assert.deepEqual(gallery.names, ['Zoë', 'Zoë', 'Adam']);
    assert.deepEqual(
      [0, 512, 1024].map((at) => gallery.embeddings[at]),
      [0.25, 0.5, 0.75],
    );
  });
});

describe('a gallery file in which that is not clear is refused, with what to do', () => {
  const whatToDo = /torch\.save\(\[embeddings, names\], path\)/;
  for (const [what, value, reason] of [
    ['fewer names than embeddings', [[face(0.1), face(0.2)], ['A']], /2 embeddings for 1 names/],
    ['nobody', [[], []], whatToDo],
    ['a shorter embedding', [[tensor(numbers(0, 128), [128])], ['A']], /has 128 numbers, not 512/],
    ['a stack of shorter ones', [tensor(numbers(0, 128), [1, 128]), ['A']], /has 128 numbers/],
    ['an empty name', [[face(0.1)], ['']], /its name 0, “”, is empty/],
    [
      'a control character',
      [[face(0.1)], ['Ada\nL']],
      /“Ada<U\+000A>L”, has the control .*U\+000A/,
    ],
    ['numbers for names', [[face(0.1)], [7]], whatToDo],
    ['two lists of names', [[face(0.1)], ['Ada'], ['Lovelace']], /2 lists of texts.*torch\.save/],
    [
      'a state dict',
      new Map([['conv.weight', tensor(new Float32Array(4), [2, 2])]]),
      /has 2 numbers/,
    ],
    ['a number', 7, whatToDo],
  ] as const) {
    test(what, async () => {
      await assert.rejects(read(value), (error) => {
        assert.ok(error instanceof CheckpointError);
        assert.match(error.message, reason);
        return true;
      });
    });
  }

  test('a number that is not finite', async () => {
    const value = [[tensor(numbers(Number.NaN), [512])], ['A']];
    await assert.rejects(read(value), /embedding 0 has numbers that are not finite/);
  });
});

test('embeddings that are not of length 1, and names that look alike, are to be looked at', async () => {
  const long = numbers(0.25).map((value) => 3 * value);
  const { gallery, doubts } = await read([
    [tensor(long, [512]), face(0.5)],
    ['Ada', 'ada'],
  ]);
  assert.equal(gallery.embeddings[0], 0.75);
  assert.equal(doubts.length, 2);
  assert.match(doubts[0]!, /^1 of 2 embeddings have the length 3\.00 instead of 1.*KNOWN_DISTANCE/);
  assert.match(doubts[1]!, /“Ada” and “ada” look like one name/);
});

test('one embedding under two names is to be looked at', async () => {
  const { doubts } = await read([
    [face(0.5), face(0.5), face(0.5)],
    ['Ada', 'Ada', 'Bob'],
  ]);
  assert.deepEqual(doubts, ['Ada and Bob have the same embedding: whose is it?']);
});
