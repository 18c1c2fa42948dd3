import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { openNetworks } from '../model/backend/index.ts';
import { readGallery } from '../model/gallery.ts';
import type { Networks } from '../model/networks.ts';
import { loadRecognizer } from '../model/recognizer.ts';
import { readSettings } from '../runtime/settings.ts';
import { modelDirectory } from '../test/model.fixture.ts';
import { convertModel } from './convert-model.ts';
import { findCourseData } from './course-data.ts';
import { CheckpointError } from './errors.ts';
import { embedPhotos, listGalleryPhotos, writeGallery } from './gallery.ts';

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'elastic-face-gallery-'));
});
after(() => rm(root, { recursive: true, force: true }));

/** Makes a gallery folder with these files in it; by default they are empty. */
async function galleryFolder(
  files: readonly string[],
  write: (path: string) => Promise<void> = (path) => writeFile(path, ''),
): Promise<string> {
  const folder = await mkdtemp(join(root, 'people-'));
  for (const file of files) {
    const path = join(folder, file);
    await mkdir(dirname(path), { recursive: true });
    await write(path);
  }
  return folder;
}

test('every sub-folder is a person with its photos, in an order that is always the same', async () => {
  const folder = await galleryFolder([
    'Zoë/b.JPG',
    'Zoë/a.png',
    'Ada/1.webp',
    '.git/x.jpg',
    'x.jpg',
  ]);
  const photos = await listGalleryPhotos(folder);
  assert.deepEqual(
    photos.map(({ person, path }) => `${person} ${basename(path)}`),
    ['Ada 1.webp', 'Zoë a.png', 'Zoë b.JPG'],
  );
});

test('files beside photos that are none are passed over', async () => {
  const folder = await galleryFolder(['Ada/1.jpg', 'Ada/.DS_Store', 'Ada/notes.txt']);
  assert.equal((await listGalleryPhotos(folder)).length, 1);
});

test('a person without a photo and a folder without a person are clear errors', async () => {
  const empty = await galleryFolder(['Ada/notes.txt']);
  await assert.rejects(
    listGalleryPhotos(empty),
    (error) => error instanceof CheckpointError && error.message.includes(join(empty, 'Ada')),
  );
  const nobody = await galleryFolder(['1.jpg']);
  await assert.rejects(
    listGalleryPhotos(nobody),
    (error) => error instanceof CheckpointError && error.message.includes(nobody),
  );
});

test('a gallery is read back as it was written', async () => {
  const gallery = {
    names: ['Ada', 'Ada', 'Zoë'],
    embeddings: Float32Array.from({ length: 3 * 512 }, (_, at) => Math.sin(at)),
  };
  await writeGallery(root, gallery);
  assert.deepEqual(await readGallery(root), gallery);
});

describe('photos of a gallery', { timeout: 300_000 }, () => {
  let networks: Networks;
  let face: string;
  before(async () => {
    networks = await openNetworks(await modelDirectory());
    const { FACE_CHECKPOINTS } = readSettings();
    face = join((await findCourseData(1000, { named: FACE_CHECKPOINTS })).images, 'test_000.jpg');
  });
  after(() => networks?.dispose());

  const refuses = async (folder: string, file: string) =>
    assert.rejects(
      async () => embedPhotos(networks, await listGalleryPhotos(folder), () => {}),
      (error) => error instanceof CheckpointError && error.message.includes(join(folder, file)),
    );

  test('one that shows no face is named', async () => {
    const folder = await galleryFolder(['Ada/wall.png'], async (path) => {
      const grey = { width: 80, height: 60, channels: 3, background: 'grey' } as const;
      await sharp({ create: grey }).png().toFile(path);
    });
    await refuses(folder, 'Ada/wall.png');
  });

  test('one that is no image is named', async () => {
    await refuses(await galleryFolder(['Ada/empty.jpg']), 'Ada/empty.jpg');
  });

  test('one person’s face is recognised in a model converted with that gallery', async () => {
    const folder = await galleryFolder(['Paul/first.jpg', 'Paul/second.jpg'], (path) =>
      copyFile(face, path),
    );
    const model = join(root, 'model');
    const options = { checkpoints: readSettings().FACE_CHECKPOINTS, gallery: folder };
    const { people } = await convertModel(model, options);
    assert.equal(people, 1);
    assert.equal((await convertModel(model, options)).converted, false);
    const recognizer = await loadRecognizer(model, { precision: 'float32' });
    try {
      const { faces } = await recognizer.recognize(await readFile(face));
      const [nearest] = faces[0]?.nearest ?? [];
      assert.equal(nearest?.name, 'Paul');
      assert.ok(nearest.distance < 1e-5, `distance ${nearest.distance}`);
    } finally {
      recognizer.dispose();
    }
  });
});
