/** A model with the compact encoder: its size, its galleries, and what is refused. */
import assert from 'node:assert/strict';
import { cp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { modelFiles } from '../model/format.ts';
import { loadRecognizer } from '../model/load-recognizer.ts';
import { readSettings } from '../runtime/settings.ts';
import { modelDirectory } from '../test/model.fixture.ts';
import { put, temporaryFolder } from './checkpoint/temporary-file.fixture.ts';
import { legacyFile, storage, TensorFixture } from './checkpoint/torch-file.fixture.ts';
import { convertModel } from './convert-model.ts';
import { encoders } from './encoders.ts';
import { readIntactManifest } from './write/model-folder.ts';

describe('a model with the compact encoder', { timeout: 300_000 }, () => {
  const folder = temporaryFolder();
  const options = { checkpoints: readSettings().FACE_CHECKPOINTS, encoder: 'compact' as const };
  let directory: string;
  before(async () => {
    directory = await modelDirectory('compact');
  });

  test('takes less than 10 MB, with every weight once, and says what its encoder is', async () => {
    const files = await readdir(directory);
    const sizes = await Promise.all(files.map((file) => stat(join(directory, file))));
    const bytes = sizes.reduce((sum, { size }) => sum + size, 0);
    assert.ok(bytes < 10e6, `${bytes} bytes`);
    assert.ok(!files.includes(modelFiles.bfloat16), 'it has no bfloat16');
    const manifest = await readIntactManifest(directory);
    assert.deepEqual(manifest?.encoder, encoders.compact);
    assert.equal(manifest.weights, 'uint8');
  });

  test('from the same inputs is not converted again', async () => {
    assert.equal((await convertModel(directory, options)).converted, false);
  });

  test('is not made with a gallery file of facenet embeddings', async () => {
    const face = new TensorFixture(
      storage('0', 'Float', new Float32Array(512).fill(0.5)),
      [1, 512],
    );
    const gallery = await put(folder, 'data.pt', legacyFile([[face], ['Ada']]));
    await assert.rejects(convertModel(join(folder, 'model'), { ...options, gallery }), {
      name: 'CheckpointError',
      message:
        /data\.pt holds facenet embeddings, which the compact encoder cannot .* --encoder facenet, .* --gallery\.$/,
    });
  });

  test('is not stored in float16', async () => {
    await assert.rejects(
      convertModel(join(folder, 'model'), { ...options, weights: 'float16' }),
      /published in 8 bits .* leave out --weights float16/,
    );
  });

  test('with the gallery of another encoder in its folder is not loaded', async () => {
    const mixed = join(folder, 'mixed');
    await cp(directory, mixed, { recursive: true });
    const path = join(mixed, modelFiles.gallery);
    const gallery = JSON.parse(await readFile(path, 'utf8')) as object;
    await writeFile(path, JSON.stringify({ ...gallery, encoder: 'facenet' }));
    await assert.rejects(loadRecognizer(mixed), {
      name: 'ModelError',
      message: /holds facenet embeddings .* gives compact embeddings of 128: convert the photos/,
    });
  });
});
