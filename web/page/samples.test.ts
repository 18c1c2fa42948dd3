import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { plainPhoto } from '../../test/form.fixture.ts';
import { type RunningApp, startApp } from '../app.fixture.ts';
import { rawConnection } from '../server/raw.fixture.ts';
import { openSamples } from './samples.ts';

describe('sample photos', { timeout: 30_000 }, () => {
  let parent: string;
  let app: RunningApp;
  let photo: Buffer;
  before(async () => {
    parent = mkdtempSync(join(tmpdir(), 'elastic-face-samples-'));
    // As under a cache folder, whose path has hidden parts.
    const folder = join(parent, '.cache', 'photos');
    mkdirSync(folder, { recursive: true });
    photo = await plainPhoto();
    writeFileSync(join(parent, '.cache', 'outside.jpg'), photo);
    for (const name of ['b.jpg', 'a.png', '.hidden.jpg', 'notes.txt']) {
      writeFileSync(join(folder, name), photo);
    }
    app = await startApp({ parts: { samples: openSamples(folder) } });
  });
  after(async () => {
    await app.stop();
    rmSync(parent, { recursive: true });
  });

  it('are listed by name, without what is no photo', async () => {
    assert.deepEqual(await (await fetch(`${app.url}samples`)).json(), ['a.png', 'b.jpg']);
  });

  it('are sent as they are, and kept by the browser', async () => {
    const answer = await fetch(`${app.url}samples/b.jpg`);
    assert.equal(answer.headers.get('content-type'), 'image/jpeg');
    assert.equal(answer.headers.get('cache-control'), 'private, max-age=3600');
    assert.deepEqual(Buffer.from(await answer.arrayBuffer()), photo);
  });

  for (const path of [
    '/samples/missing.jpg',
    '/samples/.hidden.jpg',
    '/samples/notes.txt',
    '/samples/..%2Foutside.jpg',
    '/samples/%2e%2e%2foutside.jpg',
    '/samples/..%5Coutside.jpg',
    '/samples/../outside.jpg',
    '/samples/a%00.jpg',
  ]) {
    it(`${path} is not there`, async () => {
      const client = await rawConnection(app.port);
      await client.send(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      assert.match(await client.says(/\r\n\r\n.+/s), /^HTTP\/1\.1 404 .*There is no/s);
      client.leave();
    });
  }

  it('are none where no folder is named, or it is gone', async () => {
    for (const folder of [undefined, join(parent, 'gone')]) {
      const without = await startApp({ parts: { samples: openSamples(folder) } });
      assert.deepEqual(await (await fetch(`${without.url}samples`)).json(), []);
      assert.equal((await fetch(`${without.url}samples/b.jpg`)).status, 404);
      await without.stop();
    }
  });
});
