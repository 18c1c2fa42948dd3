import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { basename, dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { readStateDict } from '../checkpoint/read-checkpoint.ts';
import { put, temporaryFolder } from '../checkpoint/temporary-file.fixture.ts';
import { legacyFile, storage, TensorFixture } from '../checkpoint/torch-file.fixture.ts';
import { CheckpointError } from '../errors.ts';
import type { Progress } from '../progress.ts';
import { courseImagesHere, findCourseData } from './course-data.ts';
import { serve } from './file-server.fixture.ts';
import { usualPlaces } from './find-files.ts';
import { type EncoderSource, encoderFiles, findModelData } from './model-data.ts';

const { shared } = usualPlaces;
const sharedMissing = existsSync(join(shared, 'checkpoints'))
  ? false
  : 'the checkpoints in ../shared are not on this machine';

const names = ['pnet.pt', 'rnet.pt', 'onet.pt', '20180402-114759-vggface2.pt', 'data.pt'] as const;
const notFound: RequestListener = (_, response) => response.writeHead(404).end();

const facenetAt = (checkpoint: string): EncoderSource => ({ kind: 'facenet', checkpoint });

/** Empty folders in place of the usual ones. */
function emptyPlaces(origin = 'http://127.0.0.1:9') {
  const folder = temporaryFolder();
  const places = {
    shared: join(folder, 'shared'),
    cache: join(folder, 'cache'),
    origin,
    registries: () => Promise.reject(new Error('no registry is reached')),
  };
  mkdirSync(places.shared);
  mkdirSync(places.cache);
  return places;
}

async function fill(folder: string, files: readonly string[], group = ''): Promise<string> {
  mkdirSync(join(folder, group), { recursive: true });
  for (const file of files) await put(join(folder, group), file, 'x');
  return folder;
}

/** The published encoder’s stand-in: what matters here is that it is a state dict. */
const encoder = legacyFile(
  new Map([['w', new TensorFixture(storage('0', 'Float', Float32Array.of(1)), [1])]]),
);

/** As GitHub answers: real files at their addresses below repositories and releases. */
const github: RequestListener = ({ url = '' }, response) => {
  const file = decodeURIComponent(url.slice(url.lastIndexOf('/') + 1));
  const course = /^Classification Results on Face Dataset \((\d+) images\)\.csv$/.exec(file);
  const local = course ? `results_${course[1]}.csv` : file;
  if (url.includes('/releases/download/v2.2.9/')) return response.end(encoder);
  const path = ['checkpoints', 'cse546']
    .map((group) => join(shared, group, local))
    .find(existsSync);
  return path === undefined ? response.writeHead(404).end() : response.end(readFileSync(path));
};

describe('model data', { timeout: 60_000 }, () => {
  test('in a named folder comes first, flat', async () => {
    const places = emptyPlaces();
    await fill(places.shared, names.slice(0, 4), 'checkpoints');
    const named = await fill(temporaryFolder(), names);
    const { encoder, ...others } = await findModelData({ checkpoints: named, places });
    assert.deepEqual(
      [...Object.values(others), ...Object.values(encoderFiles(encoder))].toSorted(),
      names.map((n) => join(named, n)).toSorted(),
    );
  });

  test('in a named folder may lie in sub-folders', async () => {
    const named = await fill(temporaryFolder(), names.slice(0, 4), 'checkpoints');
    await fill(named, ['data.pt'], 'cse546');
    const found = await findModelData({ checkpoints: named, places: emptyPlaces() });
    assert.deepEqual(found.encoder, facenetAt(join(named, 'checkpoints', names[3])));
    assert.equal(found.gallery, join(named, 'cse546/data.pt'));
  });

  test('that a named folder lacks comes from the shared one, then from the cache', async () => {
    const places = emptyPlaces();
    const named = await fill(temporaryFolder(), ['encoder.pt']);
    await fill(places.shared, ['pnet.pt', 'rnet.pt', 'onet.pt'], 'checkpoints');
    await fill(places.cache, ['pnet.pt', 'data.pt']);
    const found = await findModelData({ checkpoints: named, places });
    assert.deepEqual(found, {
      pnet: join(places.shared, 'checkpoints/pnet.pt'),
      rnet: join(places.shared, 'checkpoints/rnet.pt'),
      onet: join(places.shared, 'checkpoints/onet.pt'),
      encoder: facenetAt(join(named, 'encoder.pt')),
      gallery: join(places.cache, 'data.pt'),
      note: `Not everything is in ${named}: taken pnet.pt, rnet.pt, onet.pt from ${join(places.shared, 'checkpoints')}.`,
    });
  });

  for (const [file, missing] of [
    ['20180408-102900-casia-webface.pt', 'encoder.pt'],
    ['Encoder.PTH', 'encoder.pt'],
    ['epoch=3.ckpt', 'encoder.pt'],
    ['model.safetensors', 'encoder.pt'],
    ['checkpoint.pth.tar', 'encoder.pt'],
    ['checkpoints/other.pt', 'encoder.pt'],
    ['pnet-v2.pt', 'pnet.pt'],
  ] as const) {
    test(`is not taken from elsewhere while the named folder has ${file}`, async () => {
      const places = emptyPlaces();
      await fill(places.cache, names);
      const isEncoder = missing === 'encoder.pt';
      const here = isEncoder ? names.slice(0, 3) : names.slice(1);
      const named = await fill(temporaryFolder(), here);
      await fill(named, [basename(file)], dirname(file));
      await assert.rejects(findModelData({ checkpoints: named, places }), (error) => {
        assert.ok(error instanceof CheckpointError);
        const [what, whatToDo] = error.message.split(': if that is meant, ');
        assert.equal(what, `${named} has no ${missing}, but ${basename(file)}`);
        assert.match(whatToDo!, new RegExp(`^name it ${missing}, and add --any-weights`));
        return true;
      });
      await fill(named, [isEncoder ? names[3] : names[0]]);
      await findModelData({ checkpoints: named, places });
    });
  }

  test('that is all at hand asks nobody', async () => {
    await using server = await serve(notFound);
    const places = emptyPlaces(server.origin);
    await fill(places.cache, names);
    await findModelData({ places });
    assert.deepEqual(server.asked, []);
  });

  test('with a gallery of one’s own needs no published one', async () => {
    const places = emptyPlaces();
    await fill(places.cache, names.slice(0, 4));
    const gallery = temporaryFolder();
    assert.equal((await findModelData({ gallery, places })).gallery, gallery);
    const nowhere = join(gallery, 'nowhere');
    await assert.rejects(findModelData({ gallery: nowhere, places }), /nowhere does not exist/);
  });

  test('is refused from a named folder that has nothing of it, or is no folder', async () => {
    const places = emptyPlaces();
    await fill(places.cache, names);
    const empty = temporaryFolder();
    await assert.rejects(findModelData({ checkpoints: empty, places }), /holds none of the files/);
    const nowhere = join(empty, 'nowhere');
    await assert.rejects(
      findModelData({ checkpoints: nowhere, places }),
      /nowhere is not a folder/,
    );
  });

  test('that is nowhere: one error says which files, from where, and where to put them', async () => {
    await using server = await serve(notFound);
    const places = emptyPlaces(server.origin);
    await fill(places.cache, ['pnet.pt']);
    await assert.rejects(findModelData({ places }), (error) => {
      assert.ok(error instanceof CheckpointError);
      for (const name of names.slice(1)) assert.ok(error.message.includes(name), name);
      assert.doesNotMatch(error.message, /pnet\.pt/);
      assert.ok(error.message.includes(places.cache) && error.message.includes('FACE_CHECKPOINTS'));
      assert.match(error.message, /404/);
      return true;
    });
    assert.deepEqual(readdirSync(places.cache), ['pnet.pt']);
  });

  test('downloaded is checked and found again', { skip: sharedMissing }, async () => {
    await using server = await serve(github);
    const places = emptyPlaces(server.origin);
    const said: Progress[] = [];
    const found = await findModelData({ places, onProgress: (progress) => said.push(progress) });
    assert.deepEqual(readdirSync(places.cache).toSorted(), names.toSorted());
    assert.equal((await readStateDict(found.onet)).size, 21);
    assert.ok(said.some(({ detail }) => /^onet\.pt, \d\.\d of 1\.6 MB, \d+ s left$/.test(detail!)));
    const asked = server.asked.length;
    assert.deepEqual(await findModelData({ places }), found);
    assert.equal(server.asked.length, asked);
  });

  test('that is a web page in place of the encoder is not kept', {
    skip: sharedMissing,
  }, async () => {
    await using server = await serve((request, response) =>
      request.url?.includes('/releases/') ? response.end('<html>') : github(request, response),
    );
    const places = emptyPlaces(server.origin);
    await assert.rejects(findModelData({ places }), /vggface2\.pt could not be .* web page/);
    assert.ok(!existsSync(join(places.cache, names[3])));
  });
});

describe('the course’s photos', { skip: sharedMissing, timeout: 60_000 }, () => {
  test('that are not on this machine are not fetched for the page', async () => {
    await using server = await serve(github);
    assert.equal(await courseImagesHere({ places: emptyPlaces(server.origin) }), undefined);
    assert.equal(server.asked.length, 0);
  });

  for (const count of [100, 1000] as const) {
    test(`${count} of them are downloaded, unpacked once, and have their names`, async () => {
      await using server = await serve(github);
      const places = emptyPlaces(server.origin);
      const { images, results } = await findCourseData(count, { places });
      const photos = readdirSync(images);
      assert.equal(photos.length, count);
      const [head, ...rows] = readFileSync(results, 'utf8').trim().split(/\r?\n/);
      assert.equal(head, 'Image,Results');
      const stems = photos.map((photo) => photo.replace('.jpg', '')).toSorted();
      assert.deepEqual(rows.map((row) => row.split(',')[0]).toSorted(), stems);
      assert.deepEqual(await findCourseData(count, { places }), { images, results });
      assert.equal(await courseImagesHere({ places }), images);
      assert.equal(server.asked.length, 2);
    });
  }
});
