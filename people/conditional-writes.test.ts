/** Several nodes change one gallery at once: no change is lost, on the embedded S3 and on moto's. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { missingMoto } from '../local/moto.fixture.ts';
import { headSchema, peopleKeys } from './head.ts';
import { person } from './people.fixture.ts';
import type { PersonRecord } from './records.ts';
import {
  enrol,
  openStore,
  type PeopleCloud,
  startPeopleCloud,
  startPeopleMoto,
} from './store.fixture.ts';

const NODES = 3;
const CHANGES_PER_NODE = 60;

suite('the embedded S3', startPeopleCloud, false);
suite('moto', startPeopleMoto, await missingMoto());

function suite(where: string, start: () => Promise<PeopleCloud>, skip: string | false): void {
  describe(`changes at once on ${where}`, { skip, timeout: 90_000 }, () => {
    let cloud: PeopleCloud;
    before(async () => {
      cloud = await start();
    });
    after(() => cloud.stop());

    it('an object is written only where the condition holds', async () => {
      const bucket = await cloud.bucket();
      const type = 'application/json';
      const first = await bucket.putIf('head', '1', type, 'none');
      assert.ok(first);
      assert.equal(await bucket.putIf('head', '2', type, 'none'), undefined);
      const second = await bucket.putIf('head', '2', type, { etag: first });
      assert.ok(second);
      assert.equal(await bucket.putIf('head', '3', type, { etag: first }), undefined);
      assert.equal(await bucket.putIf('nothing', '3', type, { etag: first }), undefined);
      assert.equal(await bucket.getIfChanged('head', second), 'unchanged');
      const read = await bucket.getIfChanged('head', first);
      assert.deepEqual(read, { bytes: Buffer.from('2'), etag: second });
      assert.equal((await bucket.getRange('head', 0, 1))?.toString(), '2');
      assert.equal(await bucket.get('nothing'), undefined);
    });

    it('hundreds of changes by several nodes are all there, each in the version it was told', async () => {
      const bucket = await cloud.bucket();
      const stores = Array.from({ length: NODES }, () => openStore(cloud, bucket));
      const told: { who: PersonRecord; version: number }[] = [];
      await Promise.all(
        stores.map(async (store, node) => {
          for (let i = 0; i < CHANGES_PER_NODE; i += 3) {
            // Three at a time, so that groups and conflicts are both met.
            const some = [0, 1, 2].map((k) => person(`${node}-${i + k}`));
            const written = await Promise.all(some.map((who) => enrol(store, who)));
            for (const [k, who] of some.entries()) told.push({ who, ...written[k]! });
          }
        }),
      );
      const index = await openStore(cloud, bucket).index();
      assert.equal(index.people.size, NODES * CHANGES_PER_NODE);
      assert.equal(index.faces, NODES * CHANGES_PER_NODE);
      for (const { who, version } of told) {
        assert.deepEqual(index.people.get(who.id), who);
        assert.equal(index.facesOf(who.id).length, 1);
        assert.ok(version <= index.version);
      }
      for (const store of stores) {
        assert.deepEqual([...(await store.index()).people], [...index.people]);
        await store.close();
      }
    });

    it('of two nodes that give one name away at once, one is told that it is taken', async () => {
      const bucket = await cloud.bucket();
      const stores = [openStore(cloud, bucket), openStore(cloud, bucket)];
      for (let round = 0; round < 10; round++) {
        const outcomes = await Promise.allSettled(
          stores.map((store) => enrol(store, person(`name ${round}`))),
        );
        assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
      }
      assert.equal((await stores[0]!.index()).people.size, 10);
      const head = await bucket.get(peopleKeys.head);
      assert.equal(headSchema.parse(JSON.parse(`${head?.bytes}`)).version, 10);
      await Promise.all(stores.map((store) => store.close()));
    });
  });
}
