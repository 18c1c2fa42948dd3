/** People go from one deployment to another in one file; a file that is not in order changes nothing. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { FACES_PER_LINE, headerLine, personLine, readExchange } from './exchange.ts';
import { peopleKeys } from './head.ts';
import { ENCODER, face, LENGTH, person } from './people.fixture.ts';
import type { FaceRecord } from './records.ts';
import {
  enrol,
  facesByName,
  openStore,
  type PeopleCloud,
  put,
  remove,
  startPeopleCloud,
} from './store.fixture.ts';
import type { GalleryStore } from './store.ts';

let cloud: PeopleCloud;
before(async () => {
  cloud = await startPeopleCloud();
});
after(() => cloud.stop());

const HEADER = headerLine({ encoder: ENCODER, length: LENGTH });
const ada = person('Ada', { metadata: { team: '写' }, expires: '2126-01-01T00:00:00Z' });
const bob = person('Bob');

async function* bytesOf(text: string, size = 1 << 16): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function exported(store: GalleryStore): Promise<string> {
  let text = '';
  for await (const piece of store.export()) text += piece;
  return text;
}

describe('an export', { timeout: 60_000 }, () => {
  it('is read by another deployment, which then has the same people, faces and embeddings', async () => {
    const store = openStore(cloud, await cloud.bucket());
    const faces: FaceRecord[] = Array.from({ length: 2 * FACES_PER_LINE + 3 }, () => face(ada));
    const gone = person('Gone');
    await enrol(store, ada, ...faces);
    await enrol(store, bob);
    await enrol(store, gone);
    await enrol(store, person('nobody has seen'));
    await remove(store, gone.id);
    const text = await exported(store);
    assert.equal(text.trim().split('\n').length, 1 + 3 + 1 + 1);
    assert.ok(!text.includes('Gone'));
    const bucket = await cloud.bucket();
    const other = openStore(cloud, bucket);
    await enrol(other, person('Eve'));
    assert.deepEqual(await other.import(bytesOf(text, 1000)), {
      version: 2,
      people: 3,
      faces: faces.length + 2,
    });
    const index = await other.index();
    assert.deepEqual(index.people.get(ada.id), ada);
    assert.deepEqual(await other.embeddingsOf(index.facesOf(ada.id)), faces);
    assert.deepEqual(Object.keys(await facesByName(cloud, bucket)), [
      'Eve',
      'Ada',
      'Bob',
      'nobody has seen',
    ]);
    // Once more changes nobody.
    await other.import(bytesOf(text));
    assert.equal((await other.index()).faces, index.faces);
    assert.deepEqual((await other.versions()).map(({ change }) => change).slice(0, 2), [
      'import 3 people',
      'import 3 people',
    ]);
    await Promise.all([store.close(), other.close()]);
  });

  it('that comes back into its own gallery renames, adds its faces, keeps newer ones and revives who was removed', async () => {
    const bucket = await cloud.bucket();
    const store = openStore(cloud, bucket);
    const [zoe, gone] = [person('Zoe'), person('Gone')];
    await enrol(store, zoe, face(zoe));
    await enrol(store, gone, face(gone), face(gone));
    const text = await exported(store);
    await store.change(() => put([{ ...zoe, name: 'Zoe L.' }], [face(zoe), face(zoe)]));
    await remove(store, gone.id);
    await store.import(bytesOf(text));
    assert.deepEqual(await facesByName(cloud, bucket), { Zoe: 3, Gone: 2 });
    await store.close();
  });

  it('of a gallery that holds nothing is empty', async () => {
    assert.equal(await exported(openStore(cloud, await cloud.bucket())), '');
  });

  it('goes on while segments are merged and deleted under it', async () => {
    const bucket = await cloud.bucket();
    const store = openStore(cloud, bucket);
    const people = Array.from({ length: 3000 }, (_, i) => person(`P${i}`));
    await store.change(() =>
      put(
        people.slice(0, 1500),
        people.slice(0, 1500).map((one) => face(one)),
      ),
    );
    await store.change(() =>
      put(
        people.slice(1500),
        people.slice(1500).map((one) => face(one)),
      ),
    );
    const lines = store.export();
    let text = '';
    for await (const line of lines) {
      if (text === '') await store.erase([people[2999]!.id]);
      text += line;
    }
    const names = text.split('\n').flatMap((line) => /"name":"(P\d+)"/.exec(line)?.[1] ?? []);
    assert.deepEqual(
      names.sort(),
      people
        .slice(0, 2999)
        .map(({ name }) => name)
        .sort(),
    );
    await store.close();
  });

  it('is read the same however it is cut into pieces', async () => {
    const text = HEADER + personLine(ada, [face(ada)]) + personLine(bob, []);
    const read = async (size: number) => {
      const { expected, people } = await readExchange(bytesOf(text, size));
      return { expected, people: await Array.fromAsync(people) };
    };
    const whole = await read(text.length);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 200 }), async (size) => {
        assert.deepEqual(await read(size), whole);
      }),
      { numRuns: 20 },
    );
  });
});

describe('an import is refused, naming the line, and changes nothing:', { timeout: 60_000 }, () => {
  const line = personLine(ada, [face(ada)]);
  const own = face(bob);
  for (const [what, text, message] of [
    ['an empty file', '', /^Line 1: The file is empty/],
    ['a photo', '\xff\xd8\xff\xe0', /^Line 1: It is not JSON/],
    ['another JSON file', '{"name":"Ada"}\n', /^Line 1: It is not the first line of an export/],
    ['another encoder', HEADER.replace(ENCODER, 'compact') + line, /^Line 1: .* of compact/],
    ['another length', HEADER.replace('8', '9') + line, /^Line 1: .* cannot be compared/],
    ['a line that is cut off', HEADER + line + line.slice(0, 50), /^Line 3: It is not JSON/],
    [
      'a face that is cut off',
      HEADER + line.replace('="', '"').replace(/.{8}"\}\]/, '"}]'),
      /^Line 2: An embedding has \d/,
    ],
    [
      'a person without a name',
      `${HEADER}\n{"id":"${bob.id}","faces":[]}\n`,
      /^Line 3: It is not a person of an export: the field "name" is missing/,
    ],
    ['an unknown field', HEADER + line.replace('{', '{"admin":true,'), /^Line 2: .*admin/],
    [
      'one name twice',
      HEADER + line + personLine({ ...bob, name: 'Ada' }, []),
      /^Line 3: .* 'Ada'/,
    ],
    ['one id for two', HEADER + line + personLine({ ...bob, id: ada.id }, []), /^Line 3: Its id/],
    ['a face twice', HEADER + personLine(bob, [own]) + personLine(bob, [own]), /^Line 3: The face/],
    ['a name that is taken', HEADER + line + personLine(person('Eve'), []), /^Line 3: .* 'Eve'/],
    [
      'an embedding that is no number',
      HEADER +
        personLine(ada, [face(ada, { embedding: new Float32Array(LENGTH).fill(Number.NaN) })]),
      /^Line 2: .* no number/,
    ],
  ] as const) {
    it(what, async () => {
      const bucket = await cloud.bucket();
      const store = openStore(cloud, bucket);
      await enrol(store, person('Eve'));
      const bytes = Buffer.from(text, what === 'a photo' ? 'latin1' : 'utf8');
      await assert.rejects(
        store.import(
          (async function* () {
            yield bytes;
          })(),
        ),
        { code: 'import', message },
      );
      assert.deepEqual(await facesByName(cloud, bucket), { Eve: 1 });
      assert.equal((await bucket.list(peopleKeys.segments)).length, 1);
      await store.close();
    });
  }

  it('a client that goes away in the middle', async () => {
    const bucket = await cloud.bucket();
    const store = openStore(cloud, bucket);
    await assert.rejects(
      store.import(
        (async function* () {
          yield Buffer.from(HEADER + line);
          throw new Error('the client has gone');
        })(),
      ),
      /has gone/,
    );
    assert.deepEqual(await bucket.list(''), []);
    await store.close();
  });
});
