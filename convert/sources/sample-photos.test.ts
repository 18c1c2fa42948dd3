import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import { zipSync } from 'fflate';
import { put, temporaryFolder } from '../checkpoint/temporary-file.fixture.ts';
import type { Places } from './find-files.ts';
import { portraits } from './portraits.ts';
import { modelFilesPublished } from './published-files.ts';
import { findSamplePhotos, samplesFolder } from './sample-photos.ts';

/** A machine that reaches nothing, with the portraits in its cache and perhaps the course's photos. */
async function machine({ course }: { course: boolean }): Promise<Places> {
  const folder = temporaryFolder();
  const places = {
    shared: join(folder, 'shared'),
    cache: join(folder, 'cache'),
    origin: 'http://127.0.0.1:9',
    registries: () => Promise.reject(new Error('no registry is reached')),
  };
  mkdirSync(places.cache);
  for (const { file } of portraits) await put(places.cache, file.names[0], 'x');
  if (course) {
    const photo = Buffer.from('x');
    const zip = zipSync({ 'test_000.jpg': photo, 'test_001.jpg': photo });
    await put(places.cache, 'face_images_1000.zip', zip);
    await put(
      places.cache,
      'results_1000.csv',
      'Image,Results\r\ntest_000,Paul\r\ntest_001,Emily\r\n',
    );
  }
  return places;
}

/** A folder of a model that was made from these. */
async function modelOf(inputs: readonly { file: string; sha256: string }[]): Promise<string> {
  const folder = temporaryFolder();
  await put(folder, 'manifest.json', JSON.stringify({ inputs }));
  return folder;
}

const ofCourse = () =>
  modelOf([{ file: 'gallery', sha256: modelFilesPublished.gallery.identity!.sha256 }]);
const ofPortraits = () =>
  modelOf(
    portraits
      .filter(({ heldBack }) => !heldBack)
      .map(({ person, file }) => ({
        file: `gallery/${person}/${file.names[0]}`,
        sha256: file.identity!.sha256,
      })),
  );
const ofOwnPeople = () => modelOf([{ file: 'gallery/Ann/1.jpg', sha256: '0'.repeat(64) }]);

describe('the photo to try', () => {
  test('is the course’s where the model has the course’s gallery', async () => {
    const places = await machine({ course: true });
    const [first, second] = await findSamplePhotos(await ofCourse(), { places });
    assert.deepEqual([first!.name, first!.person], ['test_000', 'Paul']);
    assert.deepEqual([second!.name, second!.person], ['test_001', 'Emily']);
    assert.equal(basename(first!.path), 'test_000.jpg');
    assert.match(await samplesFolder(await ofCourse(), { places }), /face_images_1000-\w+$/);
  });

  test('is a portrait that is not in the gallery where the model knows the portraits', async () => {
    const places = await machine({ course: true });
    const photos = await findSamplePhotos(await ofPortraits(), { places });
    assert.deepEqual(
      [photos[0]!.name, photos[0]!.person, photos[0]!.enrolled],
      ['obama2', 'Barack Obama', false],
    );
    assert.equal(photos.length, portraits.length);
    const folder = await samplesFolder(await ofPortraits(), { places });
    for (const { path } of photos) assert.equal(join(folder, basename(path)), path);
  });

  test('is the course’s, else a portrait, without a model or with people of one’s own', async () => {
    const [both, portraitsOnly] = [
      await machine({ course: true }),
      await machine({ course: false }),
    ];
    for (const model of [join(temporaryFolder(), 'none'), await ofOwnPeople()]) {
      assert.equal((await findSamplePhotos(model, { places: both }))[0]!.name, 'test_000');
      assert.equal((await findSamplePhotos(model, { places: portraitsOnly }))[0]!.name, 'obama2');
    }
  });

  test('is an error where the model knows the course’s people and their photos are nowhere', async () => {
    const places = await machine({ course: false });
    await assert.rejects(
      findSamplePhotos(await ofCourse(), { places }),
      /face_images_1000\.zip from http/,
    );
  });

  test('of the page is where portraits will come to lie, on a machine that has none yet', async () => {
    const places = await machine({ course: false });
    const before = await samplesFolder(join(temporaryFolder(), 'none'), { places });
    const photos = await findSamplePhotos(await ofPortraits(), { places });
    assert.equal(join(before, 'obama2.jpg'), photos[0]!.path);
  });
});
