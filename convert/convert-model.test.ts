import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import {
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { openNetworks } from '../model/backend/open-networks.ts';
import { modelFiles } from '../model/format.ts';
import { readGallery } from '../model/match/gallery.ts';
import { GalleryMatcher } from '../model/match/gallery-matcher.ts';
import { sampleGallery } from '../model/odds/sample.ts';
import { readSettings } from '../runtime/settings.ts';
import { facenetMissing, modelDirectory, peopleKnown } from '../test/model.fixture.ts';
import { convertModel } from './convert-model.ts';
import { CheckpointError, OutputError, SelfTestError } from './errors.ts';
import { referenceFaces } from './self-test/reference.ts';
import { encoderFiles, findModelData, type ModelData } from './sources/model-data.ts';
import { readIntactManifest } from './write/model-folder.ts';
import { besideOf } from './write/work-places.ts';

/** One conversion takes some seconds, several times that on a busy machine. */
describe('a conversion', { timeout: 300_000 }, () => {
  let root: string;
  let data: ModelData;
  /** Both are the test's own: links and copies of the real ones. */
  let checkpoints: string;
  let model: string;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'elastic-face-convert-'));
    data = await findModelData({ checkpoints: readSettings().FACE_CHECKPOINTS });
  });
  after(() => rm(root, { recursive: true, force: true }));

  beforeEach(async () => {
    const own = await mkdtemp(join(root, 'test-'));
    checkpoints = join(own, 'checkpoints');
    model = join(own, 'model');
    await mkdir(checkpoints);
    for (const name of ['rnet', 'onet'] as const) {
      await symlink(data[name], join(checkpoints, `${name}.pt`));
    }
    for (const path of Object.values(encoderFiles(data.encoder))) {
      await symlink(path, join(checkpoints, basename(path)));
    }
    await copyFile(data.pnet, join(checkpoints, 'pnet.pt'));
    // A folder of photos is found where it is.
    if (data.gallery.endsWith('.pt')) await symlink(data.gallery, join(checkpoints, 'data.pt'));
    await cp(await modelDirectory(), model, { recursive: true });
  });

  /** Changes one weight of P-Net: the last float of the file, which stays a checkpoint. */
  async function changeWeight(): Promise<void> {
    const path = join(checkpoints, 'pnet.pt');
    const bytes = await readFile(path);
    bytes.writeFloatLE(bytes.readFloatLE(bytes.length - 4) + 0.5, bytes.length - 4);
    await rm(path, { force: true });
    await writeFile(path, bytes);
  }

  async function answerOf(directory: string) {
    const networks = await openNetworks(directory);
    try {
      const { faceSize } = networks.encoder;
      const { faces } = referenceFaces(faceSize);
      return {
        matcher: GalleryMatcher.of(await readGallery(directory)),
        embedding: networks.embed(faces.subarray(0, faceSize ** 2 * 3), 1),
      };
    } finally {
      networks.dispose();
    }
  }

  /** When each file of the model was written. */
  async function times(): Promise<number[]> {
    const files = (await readdir(model)).sort();
    return Promise.all(files.map(async (file) => (await stat(join(model, file))).mtimeMs));
  }

  test('with unchanged inputs converts nothing', async () => {
    const before = await times();
    const { converted, people } = await convertModel(model, { checkpoints });
    assert.equal(converted, false);
    assert.equal(people, await peopleKnown());
    assert.deepEqual(await times(), before);
  });

  test('with float16 weights takes half the disk and moves no distance by 1e-3', async (t) => {
    const missing = await facenetMissing();
    if (missing) return t.skip(missing);
    const { matcher, embedding: before } = await answerOf(model);
    const whole = (await stat(join(model, modelFiles.encoderWeights))).size;
    const { converted } = await convertModel(model, { checkpoints, weights: 'float16' });
    assert.equal(converted, true);
    assert.ok((await stat(join(model, modelFiles.encoderWeights))).size < 0.52 * whole);
    const { embedding: after } = await answerOf(model);
    const there = new Map(
      matcher.nearest(before, 1000).map(({ name, distance }) => [name, distance]),
    );
    const moved = matcher
      .nearest(after, 1000)
      .map(({ name, distance }) => Math.abs(distance - there.get(name)!));
    assert.ok(Math.max(...moved) > 0 && Math.max(...moved) < 1e-3, `${Math.max(...moved)}`);
  });

  test('of the same inputs gives the same bytes, in place of a damaged model', async () => {
    // Twice: the kept model may be an older checkout's, whose networks were written otherwise.
    const manifests = [];
    for (let turn = 0; turn < 2; turn += 1) {
      await truncate(join(model, modelFiles.encoderWeights), 1000);
      const { converted, tests } = await convertModel(model, { checkpoints });
      assert.equal(converted, true);
      assert.ok(tests.some(({ backend }) => backend === 'wasm'));
      manifests.push(await readIntactManifest(model));
    }
    const [expected, again] = manifests;
    assert.ok(again !== undefined && expected !== undefined);
    // Only how fast the machine was is measured again.
    const others = { timings: undefined };
    assert.deepEqual({ ...again, ...others }, { ...expected, ...others });
    const measured = sampleGallery(GalleryMatcher.of(await readGallery(model)));
    assert.deepEqual(again.odds, measured);
    assert.deepEqual(again.timings?.machine, expected.timings?.machine);
  });

  test('of other weights is refused and changes nothing, unless they are meant', async () => {
    await changeWeight();
    const before = await times();
    await assert.rejects(
      convertModel(model, { checkpoints }),
      (error) => error instanceof SelfTestError && /pnet.*--any-weights/.test(error.message),
    );
    assert.deepEqual(await times(), before);
    assert.equal(existsSync(besideOf(model).fresh), false);
    const { converted } = await convertModel(model, { checkpoints, anyWeights: true });
    assert.equal(converted, true);
    assert.ok(await readIntactManifest(model));
  });

  test('of a checkpoint that was cut short names it and changes nothing', async () => {
    const path = join(checkpoints, 'pnet.pt');
    const bytes = await readFile(path);
    await rm(path, { force: true });
    await writeFile(path, bytes.subarray(0, 20_000));
    const before = await times();
    await assert.rejects(
      convertModel(model, { checkpoints }),
      (error) => error instanceof CheckpointError && error.message.includes(path),
    );
    assert.deepEqual(await times(), before);
  });

  test('of one network’s checkpoint under another’s name names what does not fit', async () => {
    await rm(join(checkpoints, 'pnet.pt'), { force: true });
    await copyFile(data.rnet, join(checkpoints, 'pnet.pt'));
    await assert.rejects(
      convertModel(model, { checkpoints }),
      (error) =>
        error instanceof CheckpointError && /pnet\.pt has conv1\.weight/.test(error.message),
    );
  });

  test('into a folder with other things in it is refused', async () => {
    await rm(join(model, modelFiles.manifest));
    await writeFile(join(model, 'notes.txt'), 'keep me');
    await assert.rejects(convertModel(model, { checkpoints }), OutputError);
    assert.equal(await readFile(join(model, 'notes.txt'), 'utf8'), 'keep me');
  });

  test('into a folder that cannot be made is a clear error', async () => {
    const impossible = join(checkpoints, 'pnet.pt', 'model');
    await assert.rejects(
      convertModel(impossible, { checkpoints }),
      (error) => error instanceof OutputError && error.message.includes(impossible),
    );
  });

  test('that is killed while it writes leaves the old model, and the next one works', async () => {
    const options = JSON.stringify({ checkpoints, anyWeights: true });
    await changeWeight();
    const expected = await readIntactManifest(model);
    for (const stage of ['write', 'gallery']) {
      const code = `
        import { convertModel } from ${JSON.stringify(join(import.meta.dirname, 'convert-model.ts'))};
        const onProgress = ({ stage }) => {
          if (stage === ${JSON.stringify(stage)}) process.kill(process.pid, 'SIGKILL');
        };
        await convertModel(${JSON.stringify(model)}, { ...${options}, onProgress });`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      const [, signal] = await once(child, 'exit');
      assert.equal(signal, 'SIGKILL');
      assert.deepEqual(await readIntactManifest(model), expected, stage);
    }
    const { converted } = await convertModel(model, { checkpoints, anyWeights: true });
    assert.equal(converted, true);
    const left = await readdir(join(model, '..'));
    assert.deepEqual(left.sort(), ['checkpoints', 'model']);
  });

  test('by several at once is done by the first, and the others take its result', async () => {
    await rm(model, { recursive: true });
    const both = await Promise.all([
      convertModel(model, { checkpoints }),
      convertModel(model, { checkpoints }),
    ]);
    assert.deepEqual(both.map(({ converted }) => converted).sort(), [false, true]);
  });
});
