import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { silent, startTestCloud, type TestCloud } from '../test/cloud.fixture.ts';
import { until } from '../test/condition.fixture.ts';
import { plainPhoto, postPhoto } from '../test/form.fixture.ts';
import { accessBy } from './access.ts';
import { startApp } from './app.fixture.ts';
import { keyEntries, keyHash, keyHolder, makeKey } from './keys.ts';
import { openStream } from './live/stream.fixture.ts';
import { formHead, rawConnection } from './server/raw.fixture.ts';
import { startWeb } from './service.ts';

const alice = makeKey();
const bob = makeKey();
const admin = makeKey();
const apiKeys = `alice:${keyHash(alice)},bob:${keyHash(bob)}`;
const bearer = (key: string) => ({ Authorization: `Bearer ${key}` });

describe('API keys', () => {
  it('are told apart, and nothing else is one', () => {
    const entries = keyEntries(apiKeys);
    assert.equal(keyHolder(entries, `Bearer ${alice}`), 'alice');
    assert.equal(keyHolder(entries, `bearer ${bob}`), 'bob');
    const hash = keyHash(alice);
    for (const wrong of [
      undefined,
      '',
      'Bearer ',
      `Bearer ${hash}`,
      alice,
      `Basic ${alice}`,
      `Bearer ${alice}x`,
      `Bearer ${'x'.repeat(5000)}`,
    ]) {
      assert.equal(keyHolder(entries, wrong), undefined, wrong);
    }
  });

  it('have 256 random bits, and only their hash is in the settings', () => {
    assert.equal(Buffer.from(alice.slice(3), 'base64url').length, 32);
    assert.notEqual(makeKey(), makeKey());
    assert.ok(!apiKeys.includes(alice.slice(3)));
  });
});

describe('a web tier with keys', { timeout: 60_000 }, () => {
  let app: Awaited<ReturnType<typeof startApp>>;
  let photo: Buffer;
  before(async () => {
    photo = await plainPhoto();
    const access = accessBy({ apiKeys, adminKeyHash: keyHash(admin), rateLimit: undefined });
    app = await startApp({ parts: { access, notReady: () => 'Redis has not been reached yet' } });
  });
  after(() => app.stop());

  it('takes photos from holders alone; others get 401 before their photo is read', async () => {
    assert.equal((await postPhoto(app.url, 'a.jpg', photo, bearer(alice))).text, 'a:Somebody');
    const count = app.taken.length;
    for (const headers of [{}, bearer('ef_wrong'), bearer(admin)]) {
      const { status, text, headers: answered } = await postPhoto(app.url, 'b.jpg', photo, headers);
      assert.deepEqual([status, answered['www-authenticate']], [401, 'Bearer']);
      assert.match(text, /^A valid API key is needed: /);
    }
    const asking = await rawConnection(app.port);
    await asking.send(formHead({ 'Content-Length': 1000, Expect: '100-continue' }));
    assert.match(await asking.says(/HTTP\/1.1 \d/), /^HTTP\/1.1 401 /);
    asking.leave();
    assert.equal(app.taken.length, count);
  });

  it('lets every holder watch and see the samples, and nobody else', async () => {
    for (const path of ['live', 'samples', 'samples/a.jpg']) {
      for (const headers of [{}, bearer('ef_wrong')]) {
        assert.equal((await fetch(`${app.url}${path}`, { headers })).status, 401, path);
      }
    }
    for (const key of [alice, admin]) {
      const stream = await openStream(`${app.url}live`, bearer(key));
      assert.equal((await stream.next('state')).name, 'state');
      stream.leave();
      assert.equal((await fetch(`${app.url}samples`, { headers: bearer(key) })).status, 200);
    }
  });

  it('shows its measurements and what it lacks to the admin key alone', async () => {
    const get = (path: string, headers = {}) => fetch(`${app.url}${path}`, { headers });
    assert.equal((await get('metrics')).status, 401);
    assert.equal((await get('metrics', bearer(alice))).status, 401);
    assert.match(await (await get('metrics', bearer(admin))).text(), /^elastic_face_waiters/m);
    assert.equal(await (await get('readyz')).text(), 'not ready\n');
    assert.match(await (await get('readyz', bearer(admin))).text(), /Redis/);
    assert.equal((await get('healthz')).status, 200);
  });
});

describe('a web tier with an admin key alone', () => {
  it('takes photos from everybody and shows its inside to the admin', async (t) => {
    const access = accessBy({
      apiKeys: undefined,
      adminKeyHash: keyHash(admin),
      rateLimit: undefined,
    });
    const app = await startApp({ parts: { access } });
    t.after(() => app.stop());
    assert.equal((await postPhoto(app.url, 'a.jpg', await plainPhoto())).status, 200);
    assert.equal((await fetch(`${app.url}live`)).status, 401);
    const stream = await openStream(`${app.url}live`, bearer(admin));
    stream.leave();
  });
});

describe('what every answer carries and none does', { timeout: 60_000 }, () => {
  it('the security headers, and no word of what it runs on', async (t) => {
    const app = await startApp();
    t.after(() => app.stop());
    const answers = [
      await fetch(app.url),
      await fetch(`${app.url}nothing`),
      await fetch(app.url, { method: 'POST' }),
      await fetch(app.url, { method: 'DELETE' }),
    ];
    for (const { headers } of answers) {
      assert.match(headers.get('content-security-policy') ?? '', /^default-src 'none'/);
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(headers.get('x-frame-options'), 'DENY');
      assert.equal(headers.get('referrer-policy'), 'no-referrer');
      assert.equal(headers.get('x-powered-by'), null);
      assert.equal(headers.get('server'), null);
    }
  });

  it('an error that nobody foresaw says nothing of the inside', async (t) => {
    const app = await startApp({
      recognise: () => Promise.reject(new Error('secret at /home/x, table users')),
    });
    t.after(() => app.stop());
    const { status, text } = await postPhoto(app.url, 'a.jpg', await plainPhoto());
    assert.equal(status, 500);
    assert.match(text, /^Internal error: if it happens again, give the operator/);
  });
});

describe('rates by key, counted in Redis', { timeout: 60_000 }, () => {
  let cloud: TestCloud;
  before(async () => {
    cloud = await startTestCloud();
  });
  after(() => cloud.close());

  it('one key’s photos are counted over all nodes, another key’s apart; too many get 429', async (t) => {
    const settings = {
      ...cloud.settings,
      API_KEYS: apiKeys,
      RATE_PER_MINUTE: 3,
      REQUEST_SECONDS: 0.2,
    };
    const nodes = [await startWeb(settings, silent), await startWeb(settings, silent)];
    for (const node of nodes) t.after(() => node.stop());
    const urls = nodes.map(({ port }) => `http://127.0.0.1:${port}/`);
    const photo = await plainPhoto();
    for (const url of urls) await until('ready', async () => (await fetch(`${url}readyz`)).ok);
    const post = async (i: number, key: string) => {
      return postPhoto(urls[i % 2] as string, `rate_${i}.jpg`, photo, bearer(key));
    };
    // No worker answers here: 504 says that the photo was taken in.
    for (const i of [0, 1, 2]) assert.equal((await post(i, alice)).status, 504);
    const { status, text, headers } = await post(3, alice);
    assert.equal(status, 429);
    assert.match(text, /^This key has reached its rate limit: try again in \d+ s\.$/);
    assert.ok(Number(headers['retry-after']) >= 1 && Number(headers['retry-after']) <= 60);
    assert.equal((await post(4, bob)).status, 504);
  });

  it('a rate without keys is refused at the start', async () => {
    await assert.rejects(
      startWeb({ ...cloud.settings, RATE_PER_MINUTE: 3 }, silent),
      /RATE_PER_MINUTE counts by key: set API_KEYS too/,
    );
  });
});
