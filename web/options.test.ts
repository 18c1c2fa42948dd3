import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Ask } from '../cloud/contract/messages.ts';
import { until } from '../test/condition.fixture.ts';
import { formBody, plainPhoto, post } from '../test/form.fixture.ts';
import { accessBy } from './access.ts';
import { type RunningApp, startApp } from './app.fixture.ts';
import { keyHash } from './keys.ts';
import { formHead, rawConnection } from './server/raw.fixture.ts';

const photo = await plainPhoto();
const JSON_WANTED = { Accept: 'application/json' };
const withField = (field: string, text: string): Buffer =>
  formBody([
    { fileName: 'a.jpg', bytes: photo },
    { field, bytes: text },
  ]);

describe('options, methods and expectations of requests', { timeout: 60_000 }, () => {
  const asks: (Ask | undefined)[] = [];
  let app: RunningApp;
  before(async () => {
    app = await startApp({
      parts: {
        submit: async ({ file }, _left, given) => {
          asks.push(given?.ask);
          return { file, answer: Promise.resolve({ match: { name: 'Somebody' } as never }) };
        },
      },
    });
  });
  after(() => app.stop());

  it('of the contract’s address are those of the API, where the answer is in JSON', async () => {
    for (const [path, body] of [
      ['?faces=all&top=2', withField('note', 'x')],
      ['?faces=all', withField('top', '2')],
      ['?top=2&faces=all', withField('top', '9')],
    ] as const) {
      const { status } = await post(app.url + path, body, { headers: JSON_WANTED });
      assert.equal(status, 200);
      assert.deepEqual(asks.at(-1), { faces: 'all', top: 2, known: true });
    }
  });

  it('are never passed over: what a route does not know is refused by its name', async () => {
    const plain = withField('submit', 'Upload');
    for (const [path, body, headers, says] of [
      ['?faces=all', plain, {}, /^The option "faces" needs a JSON answer/],
      ['', withField('top', '2'), {}, /^The option "top" needs a JSON answer/],
      [
        '?face=all',
        plain,
        {},
        /^Unknown option "face": this address has the options faces, top, odds and gallery\.$/,
      ],
      ['?face=all', plain, JSON_WANTED, /Unknown option ."face/],
      ['?top=0', plain, JSON_WANTED, /The option ."top." must be/],
      ['?top=1&top=2', plain, JSON_WANTED, /The option ."top."/],
      ['v1/recognitions?wait=3', plain, {}, /Unknown option ."wait/],
      ['v1/recognitions', plain, {}, /Unknown option ."submit/],
    ] as const) {
      const { status, text } = await post(app.url + path, body, { headers });
      assert.equal(status, 400, path);
      assert.match(text, says);
    }
    for (const path of [
      'healthz',
      'readyz',
      'metrics',
      'samples',
      'live',
      'problems',
      'openapi.json',
    ]) {
      const answer = await fetch(`${app.url}${path}?verbose`);
      assert.deepEqual(
        [answer.status, await answer.text()],
        [400, 'Unknown option "verbose": this address has no options.'],
      );
    }
  });

  it('a form’s other fields, as web pages send them, are passed over at the contract’s address', async () => {
    for (const field of ['submit', 'csrf_token', 'MAX_FILE_SIZE', '_charset_']) {
      assert.equal((await post(app.url, withField(field, 'x'))).text, 'a:Somebody');
    }
  });

  it('strangers have a name of their own in text where it is set, and JSON keeps the nearest', async (t) => {
    const asked: unknown[] = [];
    let known: boolean | undefined;
    const named = await startApp({
      parts: {
        unknownName: 'unknown',
        submit: async ({ file }, _left, given) => {
          asked.push(given?.ask);
          return { file, answer: Promise.resolve({ match: { name: 'Somebody', known } as never }) };
        },
      },
    });
    t.after(() => named.stop());
    const body = withField('note', 'x');
    known = false;
    assert.equal((await post(named.url, body)).text, 'a:unknown');
    assert.deepEqual(asked, [{ known: true }], 'or nobody would tell');
    const json = await post(named.url, body, { headers: JSON_WANTED });
    assert.deepEqual(JSON.parse(json.text), { file: 'a.jpg', name: 'Somebody', known: false });
    known = true;
    assert.equal((await post(named.url, body)).text, 'a:Somebody');
  });

  it('OPTIONS names the methods of a path, and every other method is refused with them', async () => {
    for (const [path, methods] of [
      ['', 'GET, HEAD, POST, OPTIONS'],
      ['v1/recognitions', 'POST, OPTIONS'],
      ['healthz', 'GET, HEAD, OPTIONS'],
      ['docs', 'GET, HEAD, OPTIONS'],
    ] as const) {
      const asked = await fetch(app.url + path, { method: 'OPTIONS' });
      assert.deepEqual([asked.status, asked.headers.get('allow')], [204, methods]);
      const other = await fetch(app.url + path, { method: 'DELETE' });
      assert.deepEqual([other.status, other.headers.get('allow')], [405, methods]);
    }
    const client = await rawConnection(app.port);
    await client.send('OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    assert.match(
      await client.closed,
      /^HTTP\/1.1 204 [\s\S]*\r\nAllow: GET, HEAD, POST, OPTIONS\r\n/,
    );
  });

  it('HTTP/1.0 gets no interim answer, and HTTP/1.1 gets one before its photo is read', async () => {
    const body = formBody([{ fileName: 'a.jpg', bytes: photo }]);
    const head = formHead({
      'Content-Length': body.length,
      Expect: '100-Continue',
      Connection: 'close',
    });
    const old = await rawConnection(app.port);
    await old.send(Buffer.concat([Buffer.from(head.replace('HTTP/1.1', 'HTTP/1.0')), body]));
    assert.match(await old.closed, /^HTTP\/1.1 200 [\s\S]*a:Somebody$/);
    const asking = await rawConnection(app.port);
    await asking.send(head);
    await asking.says(/^HTTP\/1.1 100 Continue\r\n\r\n$/);
    await asking.send(body);
    assert.match(await asking.closed, /a:Somebody$/);
  });

  it('an expectation that nobody can meet is refused in words', async () => {
    const { status, text } = await post(app.url, withField('a', 'b'), { headers: { Expect: 'x' } });
    assert.deepEqual(
      [status, text],
      [417, 'Unknown Expect header "x": remove it, or send 100-continue.'],
    );
    const problem = await post(app.url, withField('a', 'b'), {
      headers: { ...JSON_WANTED, Expect: 'x' },
    });
    assert.equal(JSON.parse(problem.text).type, '/problems/expectation');
  });

  it('more photos in one request than a key may send a minute are not told to come again', async (t) => {
    const key = 'a'.repeat(43);
    const rateLimit = { perMinute: 1, take: async () => undefined };
    const access = accessBy({ apiKeys: `ada:${keyHash(key)}`, adminKeyHash: undefined, rateLimit });
    const limited = await startApp({ parts: { access } });
    t.after(() => limited.stop());
    const two = formBody(['a.jpg', 'b.jpg'].map((fileName) => ({ fileName, bytes: photo })));
    const { status, text, headers } = await post(`${limited.url}v1/recognitions`, two, {
      headers: { Authorization: `Bearer ${key}` },
    });
    assert.equal(status, 400);
    assert.match(text, /may send 1 photos per minute: send no more/);
    assert.equal(headers['retry-after'], undefined);
  });
});

describe('an idle connection', { timeout: 20_000 }, () => {
  it('is closed after KEEP_ALIVE_SECONDS, and not before its next request', async (t) => {
    const app = await startApp({ keepAliveSeconds: 1.5 });
    t.after(() => app.stop());
    const client = await rawConnection(app.port);
    const ask = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
    await client.send(ask);
    assert.match(await client.says(/ok\n$/), /\r\nKeep-Alive: timeout=1\r\n/);
    const begun = performance.now();
    await client.closed;
    assert.ok(performance.now() - begun >= 1400);
    await until('no connection', async () => app.admission.requests === 0);
  });
});
