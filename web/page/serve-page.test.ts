import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { startApp } from '../app.fixture.ts';
import { type BuiltPage, buildPage } from './serve-page.ts';

const BUDGET = 150_000;
const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

describe('what a browser gets of the page', () => {
  let app: Awaited<ReturnType<typeof startApp>>;
  let built: BuiltPage;
  before(async () => {
    app = await startApp();
    built = await buildPage();
  });
  after(() => app.stop());

  it('is under 150 kB in all, compressed', (t) => {
    const sizes = (coding: 'br' | 'gzip') =>
      Object.values(built.files).reduce((sum, file) => sum + file[coding].length, 0);
    t.diagnostic(`${sizes('br')} bytes as brotli, ${sizes('gzip')} as gzip`);
    assert.ok(sizes('gzip') < BUDGET);
    assert.ok(sizes('br') < sizes('gzip'));
  });

  it('is the page for who asks for HTML, and the sentence for who takes anything', async () => {
    const page = await fetch(app.url, { headers: HTML });
    assert.match(String(page.headers.get('content-type')), /^text\/html/);
    const text = await page.text();
    assert.match(text, /<h1>elastic-face<\/h1>/);
    for (const accept of ['*/*', 'text/plain']) {
      const sentence = await fetch(app.url, { headers: { accept } });
      assert.match(await sentence.text(), /^POST a photo here/);
    }
  });

  it('names nothing that is not there, and each file may be kept for ever', async () => {
    const text = await (await fetch(app.url, { headers: HTML })).text();
    const paths = [...text.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, path]) => String(path));
    assert.ok(paths.length > 5);
    for (const path of new Set(paths)) {
      const response = await fetch(new URL(path, app.url));
      assert.equal(response.status, 200, path);
      assert.match(String(response.headers.get('cache-control')), /immutable/);
    }
  });

  it('lets nothing run but its own scripts', async () => {
    const { headers } = await fetch(app.url, { headers: HTML });
    const policy = String(headers.get('content-security-policy'));
    for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'"]) {
      assert.ok(policy.includes(part), policy);
    }
    assert.doesNotMatch(policy, /unsafe/);
  });

  it('is not sent again while it is the same', async () => {
    const { headers } = await fetch(app.url, { headers: HTML });
    const again = { ...HTML, 'if-none-match': String(headers.get('etag')), 'cache-control': '' };
    assert.equal((await fetch(app.url, { headers: again })).status, 304);
  });

  it('is the same text in every coding, without types', () => {
    const { plain, gzip, br } = built.files['main.ts'] as BuiltPage['files'][string];
    const text = Buffer.from(plain).toString();
    assert.equal(gunzipSync(gzip).toString(), text);
    assert.equal(brotliDecompressSync(br).toString(), text);
    assert.doesNotMatch(text, /: readonly File/);
  });

  it('of another version is given, but not kept', async () => {
    const other = await fetch(new URL('/page/older/main.ts', app.url));
    assert.equal(other.headers.get('cache-control'), 'no-store');
    const none = await fetch(new URL(`/page/${built.version}/none.ts`, app.url));
    assert.equal(none.status, 404);
  });
});
