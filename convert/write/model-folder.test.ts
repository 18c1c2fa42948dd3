import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { modelFiles } from '../../model/format.ts';
import { encoders } from '../encoders.ts';
import { OutputError } from '../errors.ts';
import {
  makeFreshFolder,
  readIntactManifest,
  replaceWithFresh,
  requireReplaceable,
  restorePrevious,
  writeManifest,
} from './model-folder.ts';
import { besideOf, insideOf } from './work-places.ts';

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

for (const [where, placesOf] of [
  ['beside the folder', besideOf],
  ['inside the folder', insideOf],
] as const) {
  test(`a fresh model made ${where} takes the place of the old one, and nothing else is left`, async () => {
    const places = placesOf(model);
    await fill(await makeFreshFolder(places), 'new');
    await replaceWithFresh(places);
    await rm(places.fresh, { recursive: true, force: true });
    assert.equal(await readFile(join(model, modelFiles.gallery), 'utf8'), 'new gallery.json');
    assert.ok(await readIntactManifest(model));
    assert.deepEqual((await readdir(model)).sort(), Object.values(modelFiles).sort());
    assert.deepEqual(await readdir(dirname(model)), ['model']);
  });

  test(`what a killed conversion had written ${where} is not taken for part of the next`, async () => {
    const fresh = await makeFreshFolder(placesOf(model));
    await writeFile(join(fresh, 'half'), '');
    await makeFreshFolder(placesOf(model));
    assert.equal(existsSync(join(fresh, 'half')), false);
  });

  test(`the previous model ${where} does not come back over the new one`, async () => {
    const places = placesOf(model);
    await fill(places.previous, 'older');
    await restorePrevious(places);
    assert.equal(await readFile(join(model, modelFiles.gallery), 'utf8'), 'old gallery.json');
    assert.equal(existsSync(places.previous), false);
  });

  test(`the files of a conversion at work ${where} do not stand in its way`, async () => {
    const places = placesOf(model);
    await makeFreshFolder(places);
    await writeFile(places.lock, '');
    await assert.doesNotReject(requireReplaceable(places));
  });
}

test('a model moved away by a conversion that was killed right then comes back', async () => {
  await rename(model, besideOf(model).previous);
  await restorePrevious(besideOf(model));
  assert.ok(await readIntactManifest(model));
});

/** Each file that an exchange moves, in its order: the old ones out, the new ones in. */
const FILES = Object.values(modelFiles).length;
for (const killedAfter of [1, 5, FILES, FILES + 1, FILES + 7, 2 * FILES - 1]) {
  test(`a model exchanged file by file comes back when killed after ${killedAfter} of ${2 * FILES} steps`, async () => {
    const places = insideOf(model);
    await fill(await makeFreshFolder(places), 'new');
    await mkdir(places.previous);
    const files = Object.values(modelFiles);
    const steps = [
      ...files.map((file) => [model, places.previous, file] as const),
      ...files.toReversed().map((file) => [places.fresh, model, file] as const),
    ];
    for (const [from, to, file] of steps.slice(0, killedAfter)) {
      await rename(join(from, file), join(to, file));
    }
    assert.equal(await readIntactManifest(model), undefined);
    await restorePrevious(places);
    assert.ok(await readIntactManifest(model));
    assert.equal(await readFile(join(model, modelFiles.gallery), 'utf8'), 'old gallery.json');
  });
}

test('an exchange file by file that fails brings the old model back', async () => {
  const places = insideOf(model);
  await fill(await makeFreshFolder(places), 'new');
  await rm(places.fresh, { recursive: true });
  await assert.rejects(replaceWithFresh(places), /ENOENT/);
  assert.ok(await readIntactManifest(model));
});

test('what a volume has of its own does not stand in a model’s way', async () => {
  await mkdir(join(model, 'lost+found'));
  await writeFile(join(model, '.DS_Store'), '');
  await assert.doesNotReject(requireReplaceable(insideOf(model)));
  await assert.rejects(requireReplaceable(besideOf(model)), /lost\+found/);
});

test('a folder with anything else in it is not replaced', async () => {
  await assert.doesNotReject(requireReplaceable(besideOf(model)));
  await assert.doesNotReject(requireReplaceable(besideOf(join(root, 'missing'))));
  await writeFile(join(model, 'thesis.doc'), '');
  await assert.rejects(
    requireReplaceable(besideOf(model)),
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
  await assert.rejects(requireReplaceable(besideOf(model)), OutputError);
  await writeFile(path, JSON.stringify({ ...manifest, format: 1, outputs }));
  await assert.doesNotReject(requireReplaceable(besideOf(model)));
});

test('a file where the folder should be is a clear error', async () => {
  const path = join(root, 'file');
  await writeFile(path, '');
  await assert.rejects(requireReplaceable(besideOf(path)), OutputError);
});
