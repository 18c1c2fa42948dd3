/** Enrol, recognise, verify, forget: two web nodes and a worker with the real model. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import sharp from 'sharp';
import { photoDigest } from '../../cloud/contract/messages.ts';
import { enrolmentSchema, verificationSchema } from '../../people/api.ts';
import { silent } from '../../test/cloud.fixture.ts';
import { formBody, post } from '../../test/form.fixture.ts';
import { modelDirectory, peopleKnown } from '../../test/model.fixture.ts';
import { knownPhotos } from '../../test/photos.fixture.ts';
import { startWorker, type WorkerService } from '../../worker/service.ts';
import type { WebService } from '../service.ts';
import { openPeopleFixture, type PeopleFixture } from './people.fixture.ts';

/** People who are enrolled and recognised at once. */
const PEOPLE = Number(process.env.PEOPLE_TRIES ?? 5);
const WORKERS = Number(process.env.PEOPLE_WORKERS ?? 1);

describe('people with a real worker', { timeout: 300_000 }, () => {
  let stage: PeopleFixture;
  let other: WebService;
  let workers: WorkerService[];
  let photoOf: (at: number) => Promise<Buffer>;
  before(async () => {
    const { images, expected } = await knownPhotos(100);
    const stems = [...expected.keys()];
    photoOf = (at) => readFile(join(images, `${stems[at % stems.length]}.jpg`));
    stage = await openPeopleFixture({ REQUEST_SECONDS: 60 }, silent, false);
    other = await stage.start();
    const settings = { ...stage.cloud.settings, MODEL_DIR: await modelDirectory() };
    workers = await Promise.all(
      Array.from({ length: WORKERS }, (_, at) =>
        startWorker({ settings, instanceId: `i-${at}`, log: silent }),
      ),
    );
    await Promise.all(workers.map((worker) => worker.ready));
  });
  after(async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
    await stage.close();
  });

  const send = async (
    path: string,
    node: WebService | undefined,
    fields: Record<string, string>,
    ...photos: Buffer[]
  ) => {
    const parts = [
      ...photos.map((bytes, at) => ({ fileName: `p${at}.jpg`, bytes })),
      ...Object.entries(fields).map(([field, bytes]) => ({ field, bytes })),
    ];
    const headers = { Accept: 'application/json' };
    const { status, text } = await post(stage.url(path, node), formBody(parts), { headers });
    return { status, body: JSON.parse(text) };
  };
  const enrolledAs = new Map<string, { readonly id: string; readonly name: string }>();
  const nameOf = (photo: Buffer): string => enrolledAs.get(photoDigest(photo))?.name ?? '';
  const another = (photo: Buffer): Promise<Buffer> => sharp(photo).jpeg({ quality: 70 }).toBuffer();

  it('a person enrolled on one node is known to the next request on the other', async () => {
    const late: number[] = [];
    for (let at = 0; at < PEOPLE; at++) {
      const photo = await photoOf(at);
      const name = `Newcomer ${at}`;
      // The course's photos repeat ten faces.
      const before = enrolledAs.get(photoDigest(photo));
      if (before) await stage.json('DELETE', `v1/people/${before.id}`);
      const enrolled = await send('v1/people', undefined, { name, accept: 'low-quality' }, photo);
      assert.equal(enrolled.status, 201, JSON.stringify(enrolled.body));
      const { person, gallery } = enrolmentSchema.parse(enrolled.body);
      enrolledAs.set(photoDigest(photo), person);
      const since = performance.now();
      const { status, body } = await send('', other, {}, await another(photo));
      late.push(performance.now() - since);
      assert.equal(status, 200);
      assert.deepEqual([body.name, body.person, body.gallery], [name, person.id, gallery]);
    }
    // The people of the model's own gallery are in the live one.
    const { body: live } = await stage.json('GET', 'v1/gallery');
    assert.equal(live.people, (await peopleKnown()) + enrolledAs.size);
    late.sort((a, b) => a - b);
    const p95 = late[Math.ceil(0.95 * late.length) - 1] ?? 0;
    console.log(`${PEOPLE} of ${PEOPLE} right at the first try; p95 ${p95.toFixed(0)} ms`);
  });

  it('a photo is verified against a person and against a photo, and forgotten people are not answered', async () => {
    const [mine, theirs] = [await photoOf(0), await photoOf(1)];
    const same = await send(
      'v1/verifications',
      undefined,
      { person: nameOf(mine) },
      await another(mine),
    );
    assert.equal(same.status, 200, JSON.stringify(same.body));
    const pair = await send('v1/verifications', undefined, {}, mine, await another(mine));
    const differ = await send('v1/verifications', undefined, {}, mine, theirs);
    const [a, b, c] = [same, pair, differ].map(({ body }) => verificationSchema.parse(body));
    assert.ok(a!.distance < c!.distance && b!.distance < c!.distance);
    assert.ok(b!.odds > c!.odds);

    const { body } = await send('', undefined, {}, mine);
    const receipt = await stage.json('DELETE', `v1/people/${body.person}?answers=true`);
    assert.equal(receipt.status, 200);
    const again = await send('', other, {}, mine);
    assert.equal(again.status, 200);
    assert.notEqual(again.body.name, body.name);
    assert.ok(again.body.gallery >= receipt.body.gallery);
  });

  it('an embedding leads back to its person', async () => {
    const { body } = await send('v1/embeddings', undefined, {}, await photoOf(1));
    const [{ embedding }] = body.photos[0].faces;
    const found = await stage.json('POST', 'v1/searches', { embedding, encoder: body.encoder });
    assert.equal(found.body.nearest[0].name, nameOf(await photoOf(1)));
  });
});
