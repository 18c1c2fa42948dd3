import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { put, temporaryFolder } from '../checkpoint/temporary-file.fixture.ts';
import { legacyFile, storage, TensorFixture } from '../checkpoint/torch-file.fixture.ts';
import { CheckpointError } from '../errors.ts';
import { type FileServer, serve } from './file-server.fixture.ts';
import type { Places } from './find-files.ts';
import { findModelData } from './model-data.ts';
import { portraits } from './portraits.ts';
import type { fetchArchive } from './registry/package-archive.ts';

const DETECTION = ['pnet.pt', 'rnet.pt', 'onet.pt'];
const FACENET = '20180402-114759-vggface2.pt';
const COMPACT = ['face_recognition_model.bin', 'face_recognition_model-weights_manifest.json'];
const PORTRAITS = portraits.map(({ file }) => file.names[0]);

const refused: RequestListener = (_, response) => response.writeHead(404).end();
const silent: RequestListener = () => {};
/** What a hotel's network answers to everything. */
const loginPage: RequestListener = (_, response) =>
  response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Please log in</html>');

const noRegistry: typeof fetchArchive = () => Promise.reject(new Error('no registry is reached'));

/** A machine whose cache holds these files. */
async function machine(home: FileServer, files: readonly string[]): Promise<Places> {
  const folder = temporaryFolder();
  const places = {
    shared: join(folder, 'shared'),
    cache: join(folder, 'cache'),
    origin: home.origin,
    registries: noRegistry,
    answerMs: 300,
  };
  mkdirSync(places.cache);
  for (const file of files) await put(places.cache, file, 'x');
  return places;
}

const everythingElse = [...DETECTION, ...COMPACT, ...PORTRAITS];

describe('which encoder and people a model gets', { timeout: 60_000 }, () => {
  for (const [what, answer, reason] of [
    ['has not got them', refused, /404/],
    ['does not answer', silent, /no answer came within 0\.3 s/],
    ['is a login page', loginPage, /web page/],
  ] as const) {
    test(`compact and portraits, where the home of facenet’s weights ${what}`, async () => {
      await using home = await serve(answer);
      const places = await machine(home, everythingElse);
      const { encoder, gallery, note } = await findModelData({ places });
      assert.deepEqual(encoder, {
        kind: 'compact',
        weights: join(places.cache, COMPACT[0]!),
        manifest: join(places.cache, COMPACT[1]!),
      });
      const people = new Set(portraits.map(({ person }) => person));
      assert.deepEqual(readdirSync(gallery).toSorted(), [...people].toSorted());
      assert.match(note!, reason);
      assert.match(note!, new RegExp(`put ${FACENET} from .*FACE_CHECKPOINTS.*--encoder facenet`));
      assert.ok(!note!.includes('\n') && note!.includes(places.cache));
      assert.equal(home.asked.length, 1);
    });
  }

  test('facenet where its weights are, with the portraits if the course’s gallery cannot be had', async () => {
    await using home = await serve(refused);
    const places = await machine(home, [...everythingElse, FACENET]);
    const { encoder, gallery, note } = await findModelData({ places });
    assert.equal(encoder.kind, 'facenet');
    assert.ok(existsSync(join(gallery, 'Barack Obama/obama.jpg')));
    assert.match(note!, /^It knows Barack Obama, .*course's gallery could not be had: .*404/);
  });

  test('nothing is said where nothing is missing', async () => {
    await using home = await serve(refused);
    const places = await machine(home, [...everythingElse, FACENET, 'data.pt']);
    assert.equal((await findModelData({ places })).note, undefined);
    assert.deepEqual(home.asked, []);
  });

  test('compact when it is asked for, without a word to facenet’s home', async () => {
    await using home = await serve(refused);
    const places = await machine(home, [...everythingElse, FACENET, 'data.pt']);
    const { encoder, gallery, note } = await findModelData({ places, encoder: 'compact' });
    assert.equal(encoder.kind, 'compact');
    assert.ok(existsSync(join(gallery, 'Joe Biden')));
    assert.deepEqual([home.asked, note], [[], undefined]);
  });

  test('an error when facenet is asked for and cannot be had', async () => {
    await using home = await serve(refused);
    const places = await machine(home, everythingElse);
    await assert.rejects(findModelData({ places, encoder: 'facenet' }), (error) => {
      assert.ok(error instanceof CheckpointError);
      assert.match(error.message, new RegExp(`${FACENET} from ${home.origin}/timesler/`));
      assert.doesNotMatch(error.message, /face_recognition_model/);
      return true;
    });
  });

  test('photos that are held back are not in the gallery', async () => {
    await using home = await serve(refused);
    const places = await machine(home, everythingElse);
    const { gallery } = await findModelData({ places, encoder: 'compact' });
    const enrolled = readdirSync(gallery, { recursive: true }).map(String);
    for (const { person, heldBack, file } of portraits) {
      assert.equal(enrolled.includes(join(person, file.names[0])), !heldBack, file.names[0]);
    }
    assert.deepEqual(readdirSync(join(gallery, '../photos')).toSorted(), PORTRAITS.toSorted());
  });
});

describe('a home that does not answer', { timeout: 60_000 }, () => {
  test('is waited for once, however many files it should have', async () => {
    await using home = await serve(silent);
    const places = await machine(home, []);
    const started = performance.now();
    await assert.rejects(findModelData({ places }), /no answer came within 0\.3 s/);
    assert.ok(performance.now() - started < 1500, 'waited for more than one answer');
    assert.equal(home.asked.length, 1);
  });

  test('is not waited for again by the next start, unless facenet is asked for', async () => {
    await using home = await serve(silent);
    const places = await machine(home, everythingElse);
    // As another process left it.
    const record = JSON.stringify({ [home.origin]: Date.now() - 60_000 });
    await put(places.cache, 'silent-homes.json', record);
    const { note } = await findModelData({ places });
    assert.match(note!, /did not answer at \d+:\d\d/);
    assert.equal(home.asked.length, 0);
    await assert.rejects(findModelData({ places, encoder: 'facenet' }), /no answer came/);
    assert.equal(home.asked.length, 1);
  });

  test('is asked again after a quarter of an hour, and when its record is damaged', async () => {
    await using home = await serve((request, response) =>
      request.url!.includes('/releases/') ? response.end(encoder) : response.writeHead(404).end(),
    );
    for (const record of [JSON.stringify({ [home.origin]: Date.now() - 16 * 60_000 }), '{"x']) {
      const places = await machine(home, everythingElse);
      await put(places.cache, 'silent-homes.json', record);
      assert.equal((await findModelData({ places })).encoder.kind, 'facenet');
      assert.deepEqual(readFileSync(join(places.cache, FACENET)), Buffer.from(encoder));
    }
  });
});

/** A stand-in for facenet's weights: what matters here is that it is a state dict. */
const encoder = legacyFile(
  new Map([['w', new TensorFixture(storage('0', 'Float', Float32Array.of(1)), [1])]]),
);
