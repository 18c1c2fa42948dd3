import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openObjects, type StoredObjects } from '../cloud/aws/s3/stored-objects.ts';
import { encodeWork, type ReplyMessage } from '../cloud/contract/messages.ts';
import {
  type PeopleWork,
  WORK_FILE,
  type WorkFace,
  type WorkResult,
  workKeys,
  workResultSchema,
} from '../cloud/contract/people-work.ts';
import { peopleKeys } from '../people/head.ts';
import { openGallery } from '../people/store.ts';
import { silent } from '../test/cloud.fixture.ts';
import { until } from '../test/condition.fixture.ts';
import { modelDirectory } from '../test/model.fixture.ts';
import { knownPhotos } from '../test/photos.fixture.ts';
import { startWorker, type WorkerService } from './service.ts';
import { type Bench, openBench } from './worker.fixture.ts';

describe('work of the people API, with the real model', { timeout: 300_000 }, () => {
  let bench: Bench;
  let worker: WorkerService;
  let folder: string;
  let objects: StoredObjects;
  let photos: Buffer[];
  let names: string[];
  before(async () => {
    const { images, expected } = await knownPhotos(100);
    const stems = [...expected.keys()].slice(0, 2);
    names = stems.map((stem) => expected.get(stem) ?? '');
    photos = await Promise.all(stems.map((stem) => readFile(join(images, `${stem}.jpg`))));
    bench = await openBench();
    folder = mkdtempSync(join(tmpdir(), 'elastic-face-gallery-'));
    objects = openObjects(bench.cloud.clients.s3, bench.cloud.names.peopleBucket);
    worker = await startWorker({
      settings: { ...bench.cloud.settings, MODEL_DIR: await modelDirectory() },
      instanceId: 'i-1',
      log: silent,
      gallery: { folder },
    });
  });
  after(async () => {
    await worker.stop();
    await bench.close();
    rmSync(folder, { recursive: true });
  });

  const send = async (
    work: Omit<PeopleWork, 'id' | 'node' | 'sentAt' | 'photos'>,
    inputs: readonly Uint8Array[] = [],
    embedding?: Uint8Array,
  ): Promise<string> => {
    const id = randomUUID();
    await bench.pressure.begin(id, WORK_FILE);
    for (const [index, bytes] of inputs.entries()) {
      await objects.put(workKeys.photo(id, index), bytes, 'image/jpeg');
    }
    if (embedding) await objects.put(workKeys.embedding(id), embedding, 'application/octet-stream');
    const message = { ...work, id, photos: inputs.length, node: 'bench', sentAt: Date.now() };
    await bench.requests.send(encodeWork(message));
    return id;
  };
  const outcome = (id: string): Promise<ReplyMessage['outcome']> =>
    bench.reply({ id, file: WORK_FILE }, 120_000);
  const result = async (...sent: Parameters<typeof send>): Promise<WorkResult> => {
    const id = await send(...sent);
    assert.deepEqual(await outcome(id), { work: 'done' });
    const bytes = await objects.get(workKeys.result(id));
    return workResultSchema.parse(JSON.parse(Buffer.from(bytes ?? []).toString()));
  };
  const facesOf = (one: WorkResult['photos'][number] | undefined): WorkFace[] => {
    assert.ok(one && 'faces' in one);
    return one.faces;
  };
  const bytesOf = (face: WorkFace | undefined): Buffer =>
    Buffer.from(face?.embedding ?? '', 'base64');

  it('embeds every photo, and refuses one that is no image without the others', async () => {
    const { photos: told, gallery } = await result({ work: 'embed', top: 2 }, [
      photos[0]!,
      Buffer.from('no image'),
    ]);
    assert.equal(gallery, 0);
    const [face] = facesOf(told[0]);
    assert.ok(told[1] && 'refused' in told[1]);
    assert.equal(face?.nearest?.[0]?.name, names[0]);
    assert.equal(face?.nearest?.length, 2);
    assert.equal(bytesOf(face).length % 4, 0);
    assert.ok(face?.quality);
  });

  it('says of the photos of an enrolment whether they show the same person', async () => {
    const { pairs } = await result({ work: 'embed' }, [photos[0]!, photos[0]!, photos[1]!]);
    assert.deepEqual(
      pairs?.map(({ same }) => same),
      [true, false],
    );
  });

  it('detects without embedding', async () => {
    const { photos: told } = await result({ work: 'detect' }, [photos[0]!]);
    const [face] = facesOf(told[0]);
    assert.deepEqual([face?.embedding, face?.nearest], [undefined, undefined]);
    assert.equal(face?.box.length, 4);
  });

  it('verifies one photo against another, and against a person of the live gallery', async () => {
    const same = await result({ work: 'verify' }, [photos[0]!, photos[0]!]);
    const other = await result({ work: 'verify' }, [photos[0]!, photos[1]!]);
    assert.deepEqual([same.pairs?.[0]?.same, other.pairs?.[0]?.same], [true, false]);
    assert.ok((same.pairs?.[0]?.distance ?? 1) < 1e-4);
  });

  it('searches by an embedding', async () => {
    const { photos: told } = await result({ work: 'embed' }, [photos[1]!]);
    const found = await result({ work: 'search', top: 3 }, [], bytesOf(facesOf(told[0])[0]));
    assert.equal(found.nearest?.length, 3);
    assert.equal(found.nearest?.[0]?.name, names[1]);
  });

  it('answers a second delivery from the result of the first, and says when the inputs are gone', async () => {
    const id = await send({ work: 'detect' }, [photos[0]!]);
    await outcome(id);
    const heard = (await bench.hear()).length;
    await objects.delete([workKeys.photo(id, 0)]);
    const message: PeopleWork = { id, work: 'detect', photos: 1, node: 'bench', sentAt: 1 };
    await bench.requests.send(encodeWork(message));
    await until('the second reply', async () => (await bench.hear()).length > heard);
    assert.deepEqual((await bench.hear()).at(-1)?.outcome, { work: 'done' });
    await objects.delete([workKeys.result(id)]);
    const gone = { ...message, id: randomUUID() };
    await bench.requests.send(encodeWork(gone));
    const told = await outcome(gone.id);
    assert.ok('refusal' in told && told.refusal.reason === 'missing');
    await bench.atRest();
  });

  it('has the model’s own gallery published, so that its people can be changed', async () => {
    await until('the base', () => objects.exists(peopleKeys.base));
    const { s3 } = bench.cloud.clients;
    const gallery = openGallery({
      s3,
      bucket: bench.cloud.names.peopleBucket,
      versions: 20,
      log: silent,
    });
    const index = await gallery.index();
    const person = index.byName(names[0]!);
    assert.ok(person);
    const { version } = await gallery.change(() => ({
      kind: 'put',
      people: [{ ...person, name: 'Renamed' }],
      faces: [],
      words: 'rename 1 person',
    }));
    const sent = await bench.send('renamed.jpg', photos[0]!, { gallery: version });
    const told = await bench.reply(sent, 60_000);
    assert.ok('match' in told);
    const { match } = told;
    assert.deepEqual([match.name, match.gallery, match.person], ['Renamed', version, person.id]);
    const verified = await result({ work: 'verify', person: person.id, gallery: version }, [
      photos[0]!,
    ]);
    // In bfloat16 the match may be a little off.
    assert.ok(Math.abs((verified.pairs?.[0]?.distance ?? 9) - match.distance) < 0.05);
    await gallery.close();
  });
});
