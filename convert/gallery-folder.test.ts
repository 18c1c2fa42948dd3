import assert from 'node:assert/strict';
import { symlink } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { test } from 'node:test';
import { CheckpointError } from './errors.ts';
import { listGalleryPhotos } from './gallery-folder.ts';
import { galleryFolder } from './people.fixture.ts';

test('every sub-folder is a person with its photos, in an order that is always the same', async () => {
  const folder = await galleryFolder(['Zoë/b.JPG', 'Zoë/a.png', 'Ada/1.webp', '.git/x.jpg']);
  const { photos, leftOut } = await listGalleryPhotos(folder);
  assert.deepEqual(
    photos.map(({ person, path }) => `${person} ${basename(path)}`),
    ['Ada 1.webp', 'Zoë a.png', 'Zoë b.JPG'],
  );
  assert.deepEqual(leftOut, []);
});

test('files beside photos that are none are passed over', async () => {
  const folder = await galleryFolder(['Ada/1.jpg', 'Ada/.DS_Store', 'Ada/notes.txt', 'read.me']);
  const { photos, leftOut } = await listGalleryPhotos(folder);
  assert.deepEqual([photos.length, leftOut.length], [1, 0]);
});

test('a photo of a kind that cannot be read is taken, so that it is refused by name', async () => {
  const folder = await galleryFolder(['Ada/1.jpg', 'Ada/IMG_1.HEIC']);
  const { photos } = await listGalleryPhotos(folder);
  assert.deepEqual(
    photos.map(({ path }) => basename(path)),
    ['1.jpg', 'IMG_1.HEIC'],
  );
});

test('photos that lie where nobody looks are named', async () => {
  const folder = await galleryFolder(['Ada/1.jpg', 'Ada/2025/2.jpg', '3.jpg']);
  const { photos, leftOut } = await listGalleryPhotos(folder);
  assert.equal(photos.length, 1);
  assert.deepEqual(
    leftOut.map(({ path, why }) => `${relative(folder, path)} ${why}`),
    ['3.jpg lies in no person’s folder', 'Ada/2025 is a folder: put its photos one level up'],
  );
});

test('a link to a person’s folder is that person, a link to a photo is that photo', async () => {
  const photos = await galleryFolder(['2024/1.jpg', '2024/2.png']);
  const folder = await galleryFolder(['Ada/1.jpg']);
  await symlink(join(photos, '2024'), join(folder, 'Zoë'));
  await symlink(join(photos, '2024/2.png'), join(folder, 'Ada/portrait'));
  const listed = await listGalleryPhotos(folder);
  assert.deepEqual(listed.people, ['Ada', 'Zoë']);
  assert.deepEqual(
    listed.photos.map(({ person, path }) => `${person} ${basename(path)}`),
    ['Ada 1.jpg', 'Ada portrait', 'Zoë 1.jpg', 'Zoë 2.png'],
  );
  assert.deepEqual(listed.leftOut, []);
});

test('links that lead in a circle end, and are named', async () => {
  const folder = await galleryFolder(['Ada/1.jpg']);
  await symlink(folder, join(folder, 'Ada/people'));
  await symlink(join(folder, 'Bea'), join(folder, 'Bea'));
  const { people, photos, leftOut } = await listGalleryPhotos(folder);
  assert.deepEqual([people, photos.length], [['Ada'], 1]);
  const told = leftOut.map(({ path, why }) => `${relative(folder, path)} ${why}`);
  assert.equal(told[0], 'Ada/people is a folder: put its photos one level up');
  assert.match(told[1] ?? '', /^Bea cannot be read: ELOOP/);
});

test('a person’s folder that is gone is named', async () => {
  const folder = await galleryFolder(['Ada/1.jpg']);
  await symlink(join(folder, 'gone'), join(folder, 'Zoë'));
  const { people, leftOut } = await listGalleryPhotos(folder);
  assert.deepEqual([people, leftOut.length], [['Ada'], 1]);
  assert.match(leftOut[0]!.why, /^cannot be read: ENOENT/);
});

test('a link that leads nowhere is named', async () => {
  const folder = await galleryFolder(['Ada/1.jpg']);
  await symlink(join(folder, 'gone.jpg'), join(folder, 'Ada/2.jpg'));
  const { photos, leftOut } = await listGalleryPhotos(folder);
  assert.deepEqual([photos.length, leftOut.length], [1, 1]);
  assert.match(leftOut[0]!.why, /^cannot be read: ENOENT/);
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
