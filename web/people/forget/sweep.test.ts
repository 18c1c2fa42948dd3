import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { StoredObjects } from '../../../cloud/aws/s3/stored-objects.ts';
import { openGalleryVersion } from '../../../cloud/redis/gallery-version.ts';
import { enrolmentSchema } from '../../../people/api.ts';
import { openGallery } from '../../../people/store.ts';
import { silent } from '../../../test/cloud.fixture.ts';
import { until } from '../../../test/condition.fixture.ts';
import { openLiveGallery } from '../gallery/gallery.ts';
import { openPeopleFixture, type PeopleFixture } from '../people.fixture.ts';
import { openForget } from './forget.ts';
import { openReceipts } from './receipts.ts';
import { openSigningKey } from './signing-key.ts';
import { startSweep } from './sweep.ts';

describe('the sweep of people', { timeout: 120_000 }, () => {
  let stage: PeopleFixture;
  before(async () => {
    stage = await openPeopleFixture({ KEEP_ENROLLED_PHOTOS: 'true' });
  });
  after(() => stage.close());

  const open = () => {
    const { clients, names } = stage.cloud;
    const store = openGallery({
      s3: clients.s3,
      bucket: names.peopleBucket,
      versions: 20,
      log: silent,
    });
    const versions = openGalleryVersion(stage.redis, names.keys, silent);
    const gallery = openLiveGallery({ store, versions });
    const receipts = openReceipts(stage.objects, openSigningKey(stage.objects));
    const traces = { erase: async () => [], unreachable: async () => [] };
    const abandonedMs = 0;
    const forget = openForget({ gallery, store, receipts, traces, abandonedMs, log: silent });
    return { gallery, receipts, forget };
  };
  const keysUnder = async (objects: StoredObjects, prefix: string): Promise<string[]> =>
    (await Array.fromAsync(objects.pages(prefix))).flat().map(({ key }) => key);
  const enrol = async (name: string) =>
    enrolmentSchema.parse(JSON.parse((await stage.enrol(name)).text)).person;

  const sweep = (
    parts: Pick<ReturnType<typeof open>, 'gallery' | 'forget'>,
    takeLease = async () => true,
  ) =>
    startSweep({
      ...parts,
      objects: stage.objects,
      takeLease,
      takeBase: async () => {},
      requestMs: 0,
      periodMs: 300,
      log: silent,
    });

  it('deletes what requests left behind and photos that no face has, and nothing else', async () => {
    const { id, faces } = await enrol('Kept');
    await stage.objects.put(`work/${randomUUID()}/photo-0`, 'x', 'image/jpeg');
    await stage.objects.put(`people/${id}/${randomUUID()}.jpg`, 'x', 'image/jpeg');
    const running = sweep(open());
    await until('nothing to be left', async () => {
      const left = await keysUnder(stage.objects, 'work/');
      return left.length === 0 && (await keysUnder(stage.objects, 'people/')).length === 1;
    });
    assert.deepEqual(await keysUnder(stage.objects, 'people/'), [
      `people/${id}/${faces[0]?.id}.jpg`,
    ]);
    await running.stop();
  });

  it('finishes what a node began that died, without Redis too', async () => {
    const { id: person, faces, name } = await enrol('Half forgotten');
    const parts = open();
    const id = randomUUID();
    await parts.receipts.writeJob({
      ...{ id, person, ids: faces.map((face) => face.id), names: [name], reason: 'request' },
      ...{ answers: false, requested: new Date().toISOString(), gallery: 1 },
    });
    const running = sweep(parts, () => Promise.reject(new Error('Redis is away.')));
    const receipt = await until('the receipt', () => parts.receipts.find(id));
    assert.equal(receipt.status, 'done');
    assert.equal((await stage.json('GET', `v1/people/${person}`)).status, 404);
    await until('the job to end', async () => {
      return (await keysUnder(stage.objects, 'forgetting/')).length === 0;
    });
    await running.stop();
  });

  it('leaves it to the node that has the lease', async () => {
    const key = `work/${randomUUID()}/photo-0`;
    await stage.objects.put(key, 'x', 'image/jpeg');
    let asked = 0;
    const running = sweep(open(), async () => {
      asked += 1;
      return false;
    });
    await until('it to ask twice', async () => asked > 1);
    await running.stop();
    assert.deepEqual(await keysUnder(stage.objects, 'work/'), [key]);
  });
});
