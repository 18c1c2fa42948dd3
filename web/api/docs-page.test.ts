import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startApp } from '../app.fixture.ts';
import { ERROR_TYPES } from '../error-types.ts';

describe('what the service says of itself', () => {
  let app: Awaited<ReturnType<typeof startApp>>;
  before(async () => {
    app = await startApp();
  });
  after(() => app.stop());
  const get = (path: string) => fetch(`${app.url}${path}`);

  it('every type of error has a page that says what to do', async () => {
    for (const [code, { title, help }] of Object.entries(ERROR_TYPES)) {
      const page = await get(`problems/${code}`);
      assert.equal(page.status, 200, code);
      assert.equal(await page.text(), `${title}. ${help}\n`);
    }
    assert.equal((await get('problems/constructor')).status, 404);
  });

  it('the page of the API loads from this node alone, and no other page is loosened', async () => {
    const page = await get('docs');
    const policy = page.headers.get('content-security-policy') ?? '';
    assert.match(policy, /^default-src 'none';script-src 'self';/);
    assert.doesNotMatch(policy, /https?:|unsafe-eval|\*/);
    const html = await page.text();
    const files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file = '']) => file);
    assert.ok(files.length >= 3);
    for (const file of files) {
      const { status, headers } = await get(file);
      assert.equal(status, 200, file);
      assert.match(headers.get('content-security-policy') ?? '', /^default-src 'none';frame/);
    }
    for (const path of ['docs/package.json', 'docs/..%2fpackage.json', 'docs/index.html']) {
      assert.equal((await get(path)).status, 404, path);
    }
  });

  it('the description names only paths that are there, and every reference in it resolves', async () => {
    const text = await (await get('openapi.json')).text();
    assert.doesNotMatch(text, /prefixItems/, 'generators of clients do not know it');
    const description = JSON.parse(text);
    assert.equal(description.openapi, '3.1.0');
    for (const [, name = ''] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      assert.ok(name in description.components.schemas, name);
    }
    for (const path of Object.keys(description.paths)) {
      const { status, headers } = await fetch(new URL(path, app.url), { method: 'PROPFIND' });
      assert.equal(status, 405, path);
      const allowed = headers.get('allow')?.toLowerCase().split(', ') ?? [];
      assert.deepEqual(
        allowed.filter((method) => !['head', 'options'].includes(method)).sort(),
        Object.keys(description.paths[path])
          .filter((key) => key !== 'parameters')
          .sort(),
      );
    }
  });
});
