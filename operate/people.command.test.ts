/** The command as an operator types it, against a web node; the worker's part is played by the test. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { storage, TensorFixture, zipFile } from '../convert/checkpoint/torch-file.fixture.ts';
import { receiptSchema } from '../people/api.ts';
import { readExchange } from '../people/exchange.ts';
import { EXIT } from '../runtime/process/exit.ts';
import { openPeopleFixture, type PeopleFixture } from '../web/people/people.fixture.ts';
import { exchangeOfEmbeddings, isExport } from './people/import-embeddings.ts';

/** Of facenet's embeddings. */
const LENGTH = 512;
const PROGRAM = fileURLToPath(new URL('../elastic-face.ts', import.meta.url));

describe('npm run people', { timeout: 120_000 }, () => {
  let stage: PeopleFixture;
  let folder: string;
  before(async () => {
    stage = await openPeopleFixture({ KEEP_ENROLLED_PHOTOS: 'true' });
    folder = await mkdtemp(join(tmpdir(), 'elastic-face-people-'));
    for (const photo of ['a.jpg', 'b.jpg']) await writeFile(join(folder, photo), stage.photo);
  });
  after(async () => {
    await stage?.close();
    await rm(folder, { recursive: true });
  });

  interface Run {
    readonly code: number;
    readonly said: string;
    readonly failed: string;
  }
  const run = (args: readonly string[], more: NodeJS.ProcessEnv): Promise<Run> =>
    new Promise((resolve) => {
      const all = [PROGRAM, 'people', ...args, '--url', stage.url('')];
      const env = { ...process.env, ...more };
      execFile(process.execPath, all, { cwd: folder, env }, (error, said, failed) =>
        resolve({ code: Number(error?.code ?? 0), said, failed }),
      );
    });
  const people = (...args: string[]): Promise<Run> => run(args, {});
  const done = async (...args: string[]): Promise<string> => {
    const { code, said, failed } = await people(...args);
    assert.equal(code, EXIT.fine, failed);
    return said;
  };

  it('enrols, lists, shows, renames and forgets a person, whom it finds by name', async () => {
    const added = await done('add', 'Ada Lovelace', 'a.jpg', 'b.jpg');
    assert.match(added, /^[0-9a-f-]{36}\tAda Lovelace\t2 faces, gallery version 1\n$/);
    assert.match(await done('list', 'lovelace'), /^[0-9a-f-]{36}\tAda Lovelace\t2 faces\n$/);
    assert.equal(JSON.parse(await done('show', 'Ada Lovelace')).faces.length, 2);
    assert.match(await done('rename', 'Ada Lovelace', 'Ada King'), /gallery version 2/);
    const receipt = receiptSchema.parse(JSON.parse(await done('forget', 'Ada King')));
    assert.equal(await done('list'), '');
    const again = receiptSchema.parse(JSON.parse(await done('receipt', receipt.id)));
    assert.equal(again.person, receipt.person);
  });

  it('imports a folder a person, names the ones that failed, and merges two that are one', async () => {
    for (const name of ['Grace Hopper', 'G. Hopper', 'nobody']) {
      await mkdir(join(folder, 'people', name), { recursive: true });
      if (name === 'nobody') continue;
      await writeFile(join(folder, 'people', name, '1.jpg'), stage.photo);
    }
    const { code, said, failed } = await people('import', 'people');
    assert.equal(code, EXIT.failed);
    assert.match(said, /Grace Hopper\t1 face/);
    assert.match(failed, /2 people enrolled, 1 not:\n.*nobody: no photo in it/);
    assert.match(await done('merge', 'Grace Hopper', 'G. Hopper'), /is now part of Grace Hopper/);
    const { faces } = JSON.parse(await done('show', 'Grace Hopper'));
    assert.equal(faces.length, 2);
    await done('remove', 'Grace Hopper', faces[0].id);
    assert.equal(JSON.parse(await done('show', 'Grace Hopper')).faces.length, 1);
  });

  it('exports what an import brings back, lists versions, and goes back to one', async () => {
    const people = await done('list');
    const [newest = ''] = (await done('versions')).split('\n');
    const version = newest.split('\t')[0]!;
    await done('export', 'gallery.jsonl');
    assert.match(await readFile(join(folder, 'gallery.jsonl'), 'utf8'), /Grace Hopper/);
    await done('forget', 'Grace Hopper');
    assert.equal(await done('list'), '');
    await done('import', 'gallery.jsonl');
    assert.equal(await done('list'), people);
    assert.match(
      await done('rollback', version),
      new RegExp(`has the people of version ${version} again`),
    );
  });

  it('writes kept photos as folders, which an import enrols again with all details', async () => {
    const details = { consent: 'on paper', expires: '2199-12-31T00:00:00Z' };
    const fields = { ...details, metadata: '{"room":12}' };
    const { person: kept } = JSON.parse((await stage.enrol('Kept Person', fields)).text);
    const { person: unkept } = JSON.parse((await stage.enrol('Unkept Person')).text);
    await stage.objects.deleteUnder(`people/${unkept.id}/`);
    const { code, said, failed } = await run(['photos', 'kept'], {
      AWS_ENDPOINT_URL: stage.cloud.settings.AWS_ENDPOINT_URL,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      PROJECT_ID: stage.cloud.settings.PROJECT_ID,
    });
    assert.match(said, /^Wrote \d+ photos? of \d+ (?:people|person) to kept/, failed);
    assert.equal(code, EXIT.failed);
    assert.match(failed, /Enrol these again(?:.*\n)*Unkept Person: no photo is kept/);
    for (const name of await readdir(join(folder, 'kept'))) {
      if (name !== 'Kept Person') await rm(join(folder, 'kept', name), { recursive: true });
    }
    await stage.json('DELETE', `v1/people/${kept.id}`);
    await done('import', 'kept');
    const { body } = await stage.json('GET', 'v1/people?q=Kept Person');
    const again = body.people.find(({ name }: { name: string }) => name === 'Kept Person');
    assert.deepEqual(
      { metadata: again.metadata, consent: again.consent, expires: again.expires },
      { metadata: { room: 12 }, ...details },
    );
  });

  it('says what is wrong in one sentence', async () => {
    const unknown = await people('show', 'Nobody At All');
    assert.deepEqual(
      [unknown.code, unknown.failed.trim()],
      [EXIT.failed, 'Nobody in the gallery is called Nobody At All: see `people list`.'],
    );
    const few = await people('rename', 'Ada');
    assert.deepEqual(
      [few.code, few.failed.trim()],
      [EXIT.usage, 'Use: people rename PERSON NEW_NAME'],
    );
    const file = await people('add', 'Ada', 'missing.jpg');
    assert.equal(file.code, EXIT.usage);
    assert.match(file.failed, /^Cannot read missing\.jpg/);
    const photo = await people('add', 'Colon: Ada', 'a.jpg');
    assert.match(photo.failed, /colon/i);
  });
});

describe('a command line that would be read in part', { timeout: 60_000 }, () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['list', '--url', 'http://127.0.0.1:1/', '--url', 'x'], /^--url is given more than once/],
    [
      ['add', 'Ada', 'a.jpg', '--accept', 'low-quality', '--accept', 'low-quality'],
      /^--accept is given more than once/,
    ],
    [['show', 'Ada', '--consent', 'yes'], /^people show does not take --consent: only add and /],
    [['rename', 'Ada', 'Eva', '--answers'], /does not take --answers: only forget takes it/],
    [['import', PROGRAM, '--expires', '2199-12-31T00:00:00Z'], /is a file, and --expires is only/],
    [['import', PROGRAM, '--add'], /is a file, and --add is only/],
  ];
  for (const [args, said] of cases) {
    it(`is refused: people ${args.join(' ').replace(PROGRAM, 'FILE')}`, async () => {
      const [code, failed] = await new Promise<[unknown, string]>((resolve) => {
        execFile(process.execPath, [PROGRAM, 'people', ...args], (error, _, text) =>
          resolve([error?.code, text]),
        );
      });
      assert.match(failed, said);
      assert.equal(code, EXIT.usage);
    });
  }
});

it('a file of embeddings becomes the lines that an import takes', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'elastic-face-embeddings-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'data.pt');
  const rows = [1, 2, 3].map(
    (one) => new TensorFixture(storage(String(one), 'Float', embeddingAt(one)), [1, LENGTH]),
  );
  await writeFile(path, zipFile([rows, ['Ada', 'Grace', 'Ada']]));
  assert.equal(await isExport(path), false);
  const { expected, people } = await readExchange((await exchangeOfEmbeddings(path)).stream());
  assert.deepEqual(expected, { encoder: 'facenet', length: LENGTH });
  const found = await Array.fromAsync(people, ({ person, faces }) => [
    person.name,
    faces.map(({ embedding }) => embedding.indexOf(1)),
  ]);
  assert.deepEqual(found, [
    ['Ada', [1, 3]],
    ['Grace', [2]],
  ]);
});

/** A unit vector along one axis. */
function embeddingAt(axis: number): Float32Array {
  const numbers = new Float32Array(LENGTH);
  numbers[axis] = 1;
  return numbers;
}
