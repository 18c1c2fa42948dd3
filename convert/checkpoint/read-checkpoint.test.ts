import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CheckpointError } from '../errors.ts';
import { readGalleryFile, readStateDict } from './read-checkpoint.ts';
import { put, temporaryFolder } from './temporary-file.fixture.ts';
import type { StateDict } from './tensor.ts';
import {
  type FixtureValue,
  legacyFile,
  storage,
  TensorFixture,
  zipFile,
} from './torch-file.fixture.ts';

const shared = join(import.meta.dirname, '../../../shared');
const sharedMissing = existsSync(join(shared, 'checkpoints'))
  ? false
  : 'the checkpoints in ../shared are not on this machine';

/** Of all names, shapes and values in the names' order, as an independent reader in Python found them. */
function digest(state: StateDict): string {
  const hash = createHash('sha256');
  for (const [name, { shape, data }] of [...state].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(name).update(shape.join()).update(new Uint8Array(data.buffer));
  }
  return hash.digest('hex');
}

describe('the real checkpoints', { skip: sharedMissing }, () => {
  // The detector's weights are stored transposed, so that these pin the reading of strides too.
  for (const { file, tensors, numbers, sha256 } of [
    {
      file: 'pnet.pt',
      tensors: 13,
      numbers: 6_632,
      sha256: '6b24168798b2ddf26a6c2f6f4fed3622715d245a86ed4b13d0d2cf9d62d8a980',
    },
    {
      file: 'rnet.pt',
      tensors: 16,
      numbers: 100_178,
      sha256: '1dd20fcc421baf23c35513b57b15260a41c8f2b320b6e6f7055df88b21e2d28a',
    },
    {
      file: 'onet.pt',
      tensors: 21,
      numbers: 389_040,
      sha256: 'ad3e3121dc0d7f2133684a627f2186b732650a3d45fe2b225f6a552c40d6db7c',
    },
    {
      file: '20180402-114759-vggface2.pt',
      tensors: 715,
      numbers: 23_520_967,
      sha256: '842789db506ab1b022b63a56a946dfdbb4bff3dc9b388a1fcdc0d6b2ea453428',
    },
  ]) {
    test(`${file} has every name, shape and value`, async () => {
      const state = await readStateDict(join(shared, 'checkpoints', file));
      const read = [...state.values()].reduce((sum, { data }) => sum + data.length, 0);
      assert.deepEqual([state.size, read, digest(state)], [tensors, numbers, sha256]);
    });
  }

  test('the first weights of P-Net are those that PyTorch prints', async () => {
    const state = await readStateDict(join(shared, 'checkpoints/pnet.pt'));
    const { shape, data } = state.get('conv1.weight')!;
    assert.deepEqual(shape, [10, 3, 3, 3]);
    assert.deepEqual([data[0], data.at(-1)], [-0.08164715766906738, 0.5087199807167053]);
  });

  for (const { file, people, first, last, sha256 } of [
    {
      file: 'cse546/data.pt',
      people: 90,
      first: 'Ainsworth',
      last: 'Ziwang',
      sha256: '10f93f4ac7bd554d3bf3701b61701a84ebad2b3897318f8bcaaf179634678860',
    },
    {
      file: 'parity/reference_embeddings.pt',
      people: 5,
      first: 'angelina_jolie',
      last: 'shea_whigham',
      sha256: 'a8bb8c5d91107cf4dbb0fa68a0a411078306a83c8a75d68d9cfb3013947748a8',
    },
  ]) {
    test(`${file} is read as a gallery of ${people}`, async () => {
      const { gallery, doubts } = await readGalleryFile(join(shared, file));
      const { names, embeddings } = gallery;
      assert.deepEqual(doubts, []);
      assert.deepEqual([names.length, names[0], names.at(-1)], [people, first, last]);
      const found = createHash('sha256').update(new Uint8Array(embeddings.buffer)).digest('hex');
      assert.equal(found, sha256);
    });
  }
});

describe('a state dict', () => {
  const folder = temporaryFolder();
  const weights = (value = 1) =>
    new Map<string, FixtureValue>([
      [
        'conv.weight',
        new TensorFixture(storage(`w${value}`, 'Float', Float32Array.of(value)), [1]),
      ],
    ]);
  const read = async (value: FixtureValue) =>
    readStateDict(await put(folder, 'wrapped.pt', zipFile(value)));
  const optimizer = new Map<string, FixtureValue>([
    ['state', new Map([['0', weights(9)]])],
    ['param_groups', [new Map([['lr', 1]])]],
  ]);

  for (const [what, value] of Object.entries<FixtureValue>({
    'under state_dict': new Map([['state_dict', weights()]]),
    'under any key': new Map([['net', weights()]]),
    'as Lightning saves it': new Map<string, FixtureValue>([
      ['epoch', 3],
      ['pytorch-lightning_version', '2.0'],
      ['state_dict', weights()],
      ['optimizer_states', [optimizer]],
    ]),
    'beside an average of it': new Map([
      ['state_dict', weights()],
      ['ema', weights(2)],
    ]),
  })) {
    test(`is found ${what}`, async () => {
      const state = await read(value);
      assert.deepEqual([...state.keys()], ['conv.weight']);
      assert.deepEqual([...state.get('conv.weight')!.data], [1]);
    });
  }

  test('is not guessed where there are several', async () => {
    const several = new Map([
      ['generator', weights()],
      ['discriminator', weights(2)],
    ]);
    await assert.rejects(read(several), /several state dicts \("generator", "discriminator"\)/);
  });

  test('may hold the published classifier layer besides', async () => {
    const classes = 8631;
    const weight = Float32Array.from({ length: classes * 512 }, (_, index) => index % 1000);
    const state = new Map([
      ['last_bn.weight', new TensorFixture(storage('1', 'Float', Float32Array.of(1, 2)), [2])],
      ['logits.weight', new TensorFixture(storage('2', 'Float', weight), [classes, 512])],
      [
        'logits.bias',
        new TensorFixture(storage('3', 'Float', new Float32Array(classes)), [classes]),
      ],
    ]);
    const read = await readStateDict(await put(folder, 'published.pt', legacyFile(state)));
    assert.deepEqual([...read.keys()], [...state.keys()]);
    assert.deepEqual(read.get('logits.weight'), { shape: [classes, 512], data: weight });
  });

  test('is asked for where a file holds something else', async () => {
    const path = await put(folder, 'list.pt', legacyFile([1, 2]));
    await assert.rejects(readStateDict(path), /list\.pt cannot be used: .*state_dict\(\)/);
    const mixed = await put(folder, 'mixed.pt', legacyFile(new Map([['epoch', 3]])));
    await assert.rejects(
      readStateDict(mixed),
      /"epoch" is not a tensor: save module\.state_dict\(\)/,
    );
  });
});

test('a file that is not there is named', async () => {
  await assert.rejects(readStateDict('/nowhere/pnet.pt'), (error) => {
    assert.ok(error instanceof CheckpointError);
    assert.match(error.message, /^\/nowhere\/pnet\.pt cannot be read: ENOENT/);
    return true;
  });
});

test('a folder in place of a file is named', async () => {
  await assert.rejects(readStateDict(import.meta.dirname), (error) => {
    assert.ok(error instanceof CheckpointError);
    assert.match(error.message, /checkpoint cannot be used: it is not a file\.$/);
    return true;
  });
});

test('a pipe in place of a file is named, and not waited for', async () => {
  const pipe = join(temporaryFolder(), 'pnet.pt');
  execFileSync('mkfifo', [pipe]);
  await assert.rejects(readStateDict(pipe), /pnet\.pt cannot be used: it is not a file/);
});
