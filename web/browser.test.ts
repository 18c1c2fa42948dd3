import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { send } from '../test/browser.fixture.ts';
import { silent, startTestCloud, type TestCloud } from '../test/cloud.fixture.ts';
import { startWeb } from './service.ts';

describe('the web tier in a browser’s reach', { timeout: 60_000 }, () => {
  let cloud: TestCloud;
  before(async () => {
    cloud = await startTestCloud({ ALLOWED_HOSTS: 'faces.example' });
  });
  after(() => cloud.close());

  const foreign: [Record<string, string>, string][] = [
    [{ Host: 'evil.example' }, '/'],
    [{ Origin: 'http://evil.example' }, '/'],
    [{ 'Sec-Fetch-Site': 'cross-site' }, '/samples'],
    [{ Origin: 'null' }, '/v1/recognitions'],
  ];

  it('refuses pages of other sites where it listens on this machine only', async (t) => {
    const web = await startWeb({ ...cloud.settings, HOST: '127.0.0.1' }, silent);
    t.after(() => web.stop());
    const url = `http://127.0.0.1:${web.port}`;
    const status = async (headers: Record<string, string>, path = '/'): Promise<number> =>
      (await send(url, { path, headers })).status;
    for (const [headers, path] of foreign) assert.equal(await status(headers, path), 403);
    const own: Record<string, string>[] = [
      {},
      { Host: `localhost:${web.port}`, Origin: `http://localhost:${web.port}` },
      { 'Sec-Fetch-Site': 'same-origin' },
      { Host: `127.0.0.1:${web.port}`, Origin: 'https://faces.example' },
    ];
    for (const headers of own) {
      assert.equal(await status(headers), 200, JSON.stringify(headers));
    }
    const { text } = await send(url, { headers: { Host: 'evil.example' } });
    assert.match(text, /"evil.example" are not answered here: use localhost/);
  });

  it('takes photos of programs under a host name of one word, and none of a page led here by it', async (t) => {
    const web = await startWeb({ ...cloud.settings, HOST: '127.0.0.1' }, silent);
    t.after(() => web.stop());
    const post = async (headers: Record<string, string>): Promise<number> =>
      (await send(`http://127.0.0.1:${web.port}`, { method: 'POST', headers, body: 'x' })).status;
    const Host = 'faces:8000';
    assert.equal(await post({ Host }), 415, 'it is no form');
    assert.equal(await post({ Host: 'evil.example' }), 403);
    assert.equal(await post({ Host, Origin: `http://${Host}` }), 403);
    assert.equal(await post({ Host, Origin: 'null' }), 403);
    assert.equal(await post({ Host, 'Sec-Fetch-Site': 'same-origin' }), 403);
  });

  it('is called by any name where it listens for others', async (t) => {
    const web = await startWeb(cloud.settings, silent);
    t.after(() => web.stop());
    const { status } = await send(`http://127.0.0.1:${web.port}`, {
      headers: { Host: 'faces.example.org', Origin: 'https://faces.example.org' },
    });
    assert.equal(status, 200);
  });
});
