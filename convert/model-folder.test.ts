import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { modelFiles } from '../model/format.ts';
import { encoders } from './encoders.ts';
import {
  makeFreshFolder,
  OutputError,
  readIntactManifest,
  replaceWithFresh,
  requireReplaceable,
  restorePrevious,
  workPlaces,
  writeManifest,
} from './model-folder.ts';

const root = await mkdtemp(join(tmpdir(), 'elastic-face-folder-'));
after(() => rm(root, { recursive: true, force: true }));

const inputs = [{ file: 'pnet', sha256: 'a'.repeat(64) }];
let model: string;
let count = 0;

async function fill(directory: string, text: string): Promise<void> {
  for (const file of Object.values(modelFiles)) {
    if (file === modelFiles.manifest) continue;
    await mkdir(dirname(join(directory, file)), { recursive: true });
    await writeFile(join(directory, file), `${text} ${file}`);
  }
  await writeManifest(directory, { inputs, encoder: encoders.facenet, weights: 'float32' });
}

beforeEach(async () => {
  model = join(root, String(count++), 'model');
  await fill(model, 'old');
});

test('a model as it was written is intact, and says what it was made from', async () => {
  assert.deepEqual((await readIntactManifest(model))?.inputs, inputs);
});

for (const file of Object.values(modelFiles)) {
  test(`a model without its ${file} is not intact`, async () => {
    await rm(join(model, file));
    assert.equal(await readIntactManifest(model), undefined);
  });

  test(`a model whose ${file} was cut short is not intact`, async () => {
    await truncate(join(model, file), 5);
    assert.equal(await readIntactManifest(model), undefined);
  });
}

test('a model of another format is not intact', async () => {
  const path = join(model, modelFiles.manifest);
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), format: 0 }));
  assert.equal(await readIntactManifest(model), undefined);
});

test('a fresh model takes the place of the old one, and nothing else is left', async () => {
  await fill(await makeFreshFolder(model), 'new');
  await replaceWithFresh(model);
  assert.equal(await readFile(join(model, modelFiles.gallery), 'utf8'), 'new gallery.json');
  const { fresh, previous } = workPlaces(model);
  assert.equal(existsSync(fresh), false);
  assert.equal(existsSync(previous), false);
});

test('what a killed conversion had written is not taken for part of the next', async () => {
  const fresh = await makeFreshFolder(model);
  await writeFile(join(fresh, 'half'), '');
  await makeFreshFolder(model);
  assert.equal(existsSync(join(fresh, 'half')), false);
});

test('a model moved away by a conversion that was killed right then comes back', async () => {
  await rename(model, workPlaces(model).previous);
  await restorePrevious(model);
  assert.ok(await readIntactManifest(model));
});

test('the previous model does not come back over the new one', async () => {
  const { previous } = workPlaces(model);
  await fill(previous, 'older');
  await restorePrevious(model);
  assert.equal(await readFile(join(model, modelFiles.gallery), 'utf8'), 'old gallery.json');
  assert.equal(existsSync(previous), false);
});

test('a folder with anything else in it is not replaced', async () => {
  await assert.doesNotReject(requireReplaceable(model));
  await assert.doesNotReject(requireReplaceable(join(root, 'missing')));
  await writeFile(join(model, 'thesis.doc'), '');
  await assert.rejects(
    requireReplaceable(model),
    (error) => error instanceof OutputError && error.message.includes('thesis.doc'),
  );
});

test('a model of an earlier version, with other files, is replaced', async () => {
  const path = join(model, modelFiles.manifest);
  const manifest = JSON.parse(await readFile(path, 'utf8'));
  const old = 'old/assets/weights.bin';
  const outputs = [...manifest.outputs, { file: old, sha256: 'b'.repeat(64) }];
  await mkdir(dirname(join(model, old)), { recursive: true });
  await writeFile(join(model, old), '');
  await assert.rejects(requireReplaceable(model), OutputError);
  await writeFile(path, JSON.stringify({ ...manifest, format: 1, outputs }));
  await assert.doesNotReject(requireReplaceable(model));
});

test('a file where the folder should be is a clear error', async () => {
  const path = join(root, 'file');
  await writeFile(path, '');
  await assert.rejects(requireReplaceable(path), OutputError);
});
