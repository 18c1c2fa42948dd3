/** Both clients against the whole system with the real model, as a person would run them. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findPortraits } from '../convert/sources/portraits.ts';
import { peopleClient } from '../people/client.ts';
import { modelDirectory } from '../test/model.fixture.ts';
import { type StartedSystem, startSystem } from '../test/start.fixture.ts';

const run = promisify(execFile);
const NAME = 'Ada Lovelace';
const MOST_LINES = 30;

const withoutRequests = await run('python3', ['-c', 'import requests']).then(
  () => false as const,
  () => 'Python with requests is not on this machine',
);

describe('the example clients', { timeout: 240_000 }, () => {
  let folder: string;
  let system: StartedSystem;
  /** Of one person, who may be in the model's own gallery until the test forgets them. */
  let photos: string[];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elastic-face-examples-'));
    const found = await findPortraits();
    photos = ['obama.jpg', 'obama2.jpg'].map((file) => join(found.photos, file));
    system = await startSystem({
      PROJECT_ID: 'examples',
      LOCAL_DATA_DIR: join(folder, 'data'),
      MODEL_DIR: await modelDirectory(),
      MAX_INSTANCES: '1',
      REDIS_URL: '',
      AWS_ENDPOINT_URL: '',
    });
    const client = peopleClient(system.url);
    // A first photo starts a worker, which publishes the model's own people.
    await client.add('Nobody', [photos[0]!], { add: false, acceptLowQuality: true });
    for await (const person of client.list('Barack Obama')) await client.forget(person.id, false);
    for await (const person of client.list('Nobody')) await client.forget(person.id, false);
  });
  after(async () => {
    await system?.stop();
    await rm(folder, { recursive: true });
  });

  for (const [program, file, skip] of [
    [process.execPath, 'people.mjs', false],
    ['python3', 'people.py', withoutRequests],
  ] as const) {
    it(`${file} enrols, recognises, verifies and forgets`, { skip }, async () => {
      const path = fileURLToPath(new URL(file, import.meta.url));
      assert.ok((await readFile(path, 'utf8')).trimEnd().split('\n').length < MOST_LINES);
      const address = system.url.replace(/\/$/, '');
      const { stdout } = await run(program, [path, address, NAME, ...photos]);
      assert.match(stdout, new RegExp(`^enrolled ${NAME}`, 'm'));
      assert.match(stdout, new RegExp(`^recognised ${NAME}, odds 1 in \\d`, 'm'));
      assert.match(stdout, /^verified: the same person, odds 1 in \d/m);
      assert.match(stdout, /^forgot [0-9a-f-]{36}, receipt [0-9a-f-]{36}$/m);
      const people = peopleClient(system.url).list(NAME);
      assert.equal((await people.next()).done, true);
    });
  }
});
