import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { zipSync } from 'fflate';
import sharp from 'sharp';
import { CheckpointError } from '../errors.ts';
import { readCheckpoint, readStateDict } from './read-checkpoint.ts';
import { put, temporaryFolder } from './temporary-file.fixture.ts';
import {
  instructionsFor,
  legacyFile,
  pickle,
  storage,
  TensorFixture,
  zipFile,
} from './torch-file.fixture.ts';

const folder = temporaryFolder();
const shared = join(import.meta.dirname, '../../../shared');
const sharedMissing = existsSync(join(shared, 'checkpoints'))
  ? false
  : 'the checkpoints in ../shared are not on this machine';

async function refusal(file: Uint8Array | string): Promise<string> {
  const path = await put(folder, 'foreign.pt', file);
  const error = await readCheckpoint(path).then(
    () => assert.fail('it was read'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof CheckpointError, String(error));
  assert.ok(error.message.startsWith(path), error.message);
  return error.message;
}

const small = new Map([
  [
    'a.weight',
    new TensorFixture(storage('0', 'Float', Float32Array.of(1, 2, 3, 4)), [2, 2], [1, 2]),
  ],
  ['a.steps', new TensorFixture(storage('1', 'Long', BigInt64Array.of(7n)), [])],
]);

const create = { width: 8, height: 8, channels: 3, background: 'red' } as const;
const jpeg = await sharp({ create }).jpeg().toBuffer();

describe('a file that torch.save did not write is refused with its kind', () => {
  const tar = Buffer.alloc(1024);
  tar.write('pickle');
  tar.write('0000644\0', 100);
  tar.write('ustar\x0000', 257);
  const entry = { 'a/b.txt': Buffer.from('x') };
  for (const [what, file, reason] of [
    ['nothing at all', '', /it is empty/],
    ['a web page', '\n<!DOCTYPE html><html>404</html>', /web page/],
    ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\n', /Git LFS pointer/],
    ['a JPEG', jpeg, /image\/jpeg/],
    ['a tar file', tar, /application\/x-tar/],
    ['some text', 'hello', /kind unknown/],
    ['another zip file', Buffer.from(zipSync(entry)), /zip file, but not one that torch\.save/],
    ['another pickle', pickle(Buffer.from('N')), /pickle, but not one that torch\.save wrote/],
    [
      'a TorchScript archive',
      zipFile([], { entries: { 'archive/constants.pkl': Buffer.from('') } }),
      /TorchScript archive/,
    ],
  ] as const) {
    test(what, async () => assert.match(await refusal(file), reason));
  }
});

describe('a damaged zip file is refused', () => {
  const whole = zipFile(small);
  const changed = (change: (file: Buffer) => void) => {
    const file = Buffer.from(whole);
    change(file);
    return file;
  };
  const directory = whole.readUInt32LE(whole.length - 6);
  const rename = (file: Buffer, from: string, to: string) => {
    for (let at = file.indexOf(from); at >= 0; at = file.indexOf(from, at + 1)) {
      file.write(to, at);
    }
  };
  for (const [what, file, reason] of [
    [
      'with a changed number',
      changed((file) => file.writeUInt8(1, file.indexOf('archive/data/0') + 20)),
      /"archive\/data\/0" does not have its checksum/,
    ],
    [
      'with a name twice',
      changed((file) => rename(file, 'archive/data/1', 'archive/data/0')),
      /"archive\/data\/0" twice/,
    ],
    [
      'with different names in its two places',
      changed((file) => file.write('archive/data/9', file.indexOf('archive/data/1'))),
      /another name in another place/,
    ],
    ['without its end', whole.subarray(0, -1), /without its end/],
    ['in two parts', changed((file) => file.writeUInt16LE(1, file.length - 18)), /several parts/],
    [
      'with a directory beyond it',
      changed((file) => file.writeUInt32LE(file.length, file.length - 6)),
      /directory is damaged/,
    ],
    ['that is encrypted', changed((file) => file.writeUInt16LE(1, directory + 8)), /encrypted/],
    [
      'with an entry beyond it',
      changed((file) => file.writeUInt32LE(0x7fffffff, directory + 42)),
      /cut short/,
    ],
    [
      'with two objects',
      zipFile([], { entries: { 'other/data.pkl': pickle(Buffer.from('N')) } }),
      /no one data\.pkl/,
    ],
  ] as const) {
    test(what, async () => assert.match(await refusal(file), reason));
  }
});

describe('a real file', { skip: sharedMissing }, () => {
  for (const name of ['checkpoints/pnet.pt', 'cse546/data.pt']) {
    test(`${name}, cut short anywhere, is refused`, async () => {
      const whole = await readFile(join(shared, name));
      const step = Math.ceil(whole.length / 150);
      for (let length = 0; length < whole.length; length += step) {
        assert.match(await refusal(whole.subarray(0, length)), /cut short|without its end|empty/);
      }
      assert.match(await refusal(whole.subarray(0, -1)), /cut short|without its end/);
    });
  }

  test('with any one instruction changed is read or refused, never anything else', async () => {
    const whole = await readFile(join(shared, 'checkpoints/pnet.pt'));
    const instructions = [0x52, 0x62, 0x82, 0x69, 0x81, 0x28, 0x74, 0x68, 0x51, 0x2e];
    const pickles = 1950;
    for (let position = 0; position < pickles; position++) {
      const changed = Buffer.from(whole);
      changed[position] = instructions[position % instructions.length]!;
      await readOrRefuse(changed);
    }
  });
});

/** @returns whether it was read */
async function readOrRefuse(file: Uint8Array): Promise<boolean> {
  const path = await put(folder, 'changed.pt', file);
  try {
    for (const { shape, data } of (await readStateDict(path)).values()) {
      assert.equal(
        data.length,
        shape.reduce((product, extent) => product * extent, 1),
      );
    }
    return true;
  } catch (error) {
    assert.ok(error instanceof CheckpointError, error instanceof Error ? error.stack : 'thrown');
    assert.ok(error.message.startsWith(path), error.message);
    return false;
  }
}

const mutation = fc.record({
  changes: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
  cut: fc.option(fc.nat(), { freq: 5 }),
  inserted: fc.option(fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 8 })), { freq: 5 }),
});
type Mutation = typeof mutation extends fc.Arbitrary<infer Value> ? Value : never;

function mutate(original: Uint8Array, { changes, cut, inserted }: Mutation): Buffer {
  let bytes = Buffer.from(original);
  for (const [position, value] of changes) bytes[position % bytes.length] = value;
  if (inserted !== null) {
    const at = inserted[0] % bytes.length;
    bytes = Buffer.concat([bytes.subarray(0, at), inserted[1], bytes.subarray(at)]);
  }
  return cut === null ? bytes : bytes.subarray(0, cut % bytes.length);
}

describe('a file changed at random is read or refused, never anything else', () => {
  const runs = { numRuns: 1500 };
  const object = pickle(instructionsFor(small, { legacy: false }));
  for (const [what, write] of [
    ['of the legacy layout', (change: Mutation) => mutate(legacyFile(small), change)],
    ['of the zip layout', (change: Mutation) => mutate(zipFile(small), change)],
    [
      'of the zip layout, in its pickle, with the checksum put right',
      (change: Mutation) => zipFile(small, { object: mutate(object, change) }),
    ],
  ] as const) {
    test(what, { timeout: 120_000 }, () =>
      fc.assert(
        fc.asyncProperty(mutation, async (change) => {
          await readOrRefuse(write(change));
        }),
        runs,
      ),
    );
  }

  test('and unchanged it is read', async () => {
    assert.deepEqual(
      [await readOrRefuse(legacyFile(small)), await readOrRefuse(zipFile(small))],
      [true, true],
    );
  });
});
