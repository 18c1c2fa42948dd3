import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createLogger } from '../../runtime/log.ts';
import { until } from '../../test/condition.fixture.ts';
import { formBody, plainPhoto, post, postPhoto } from '../../test/form.fixture.ts';
import { heldBytes } from '../../test/memory.fixture.ts';
import { startApp } from '../app.fixture.ts';
import { chunk, formHead, rawConnection } from '../server/raw.fixture.ts';

const B = 'elastic-face-test-boundary';
const MB = 1024 * 1024;
const photo = await plainPhoto();
const whole = formBody([{ fileName: 'a.jpg', bytes: photo }]).toString('latin1');
const part = (disposition: string, headers = ''): string =>
  `--${B}\r\nContent-Disposition: ${disposition}\r\n${headers}\r\n${photo.toString('latin1')}\r\n--${B}--\r\n`;

/** Twenty and more ways in which a form can be broken; each is refused, or read as the photo it holds. */
const brokenForms: Record<string, string> = {
  'nothing at all': '',
  'only a line break': '\r\n',
  'only the boundary': `--${B}\r\n`,
  'only the end': `--${B}--\r\n`,
  'the end before the beginning': `--${B}--\r\n${whole}`,
  'no end': whole.slice(0, -B.length - 6),
  'an end without its dashes': whole.slice(0, -4),
  'an end cut in its boundary': whole.slice(0, -10),
  'another boundary in the body': whole.replaceAll(B, 'another-boundary'),
  'bare line feeds': whole.replaceAll('\r\n', '\n'),
  'bare carriage returns': whole.replaceAll('\r\n', '\r'),
  'no empty line after the headers': whole.replace('\r\n\r\n', '\r\n'),
  'no headers': `--${B}\r\n\r\n${photo.toString('latin1')}\r\n--${B}--\r\n`,
  'no disposition': whole.replace(/Content-Disposition:[^\r]*\r\n/, ''),
  'a disposition of another kind': part('attachment; filename="a.jpg"'),
  'no field name': part('form-data; filename="a.jpg"'),
  'an empty field name': part('form-data; name=""; filename="a.jpg"'),
  'a quote that never ends': part('form-data; name="inputFile; filename="a.jpg'),
  'a header without a colon': part('form-data; name="inputFile"; filename="a.jpg"', 'nonsense\r\n'),
  'a header of 100 KB': part(
    'form-data; name="inputFile"; filename="a.jpg"',
    `X: ${'x'.repeat(1e5)}\r\n`,
  ),
  'a thousand headers': part(
    'form-data; name="inputFile"; filename="a.jpg"',
    'X: y\r\n'.repeat(1000),
  ),
  'a zero byte in a header': part('form-data; name="inputFile"; filename="a\0.jpg"'),
  'a line break in the file name': part('form-data; name="inputFile"; filename="a%0d%0aX: y.jpg"'),
  'two file names': part('form-data; name="inputFile"; filename="a.jpg"; filename="../b.jpg"'),
  'an encoded file name with a path': part(
    'form-data; name="inputFile"; filename*=UTF-8\'\'..%2F..%2Fa.jpg',
  ),
  'a base64 transfer encoding': part(
    'form-data; name="inputFile"; filename="a.jpg"',
    'Content-Transfer-Encoding: base64\r\n',
  ),
  'a form within the form': part(
    'form-data; name="inputFile"',
    `Content-Type: multipart/mixed; boundary=${B}\r\n`,
  ),
  'bytes before the boundary': `junk${whole}`,
  'bytes after the end': `${whole}junk`,
};

/** Each is refused, or taken under its last part alone. */
const oddNames: Record<string, string> = {
  'path parts': '../../etc/passwd/..',
  'an absolute path': '/etc/passwd/',
  'a Windows path': 'C:\\\\windows\\\\',
  'a URL': 'http://127.0.0.1:1/',
  'a scheme': 'javascript:alert(1).jpg',
  'control letters': 'a\u0001\u001b[31mb.jpg',
  'a C1 control letter': 'a\u009bb.jpg',
  'a right-to-left mark': 'a\u202egpj.exe',
  '1,000 letters': `${'n'.repeat(996)}.jpg`,
  'only dots': '..',
  'a line of a log': 'a\u2028{"level":"fatal"}.jpg',
};

/** What other programs would take for more than a name; here each is only letters. */
const lettersOnly: Record<string, string> = {
  'an encoded path': '..%2f..%2fa.jpg',
  'a format for printf': '%s%n.jpg',
  'a shell command': '$(reboot).jpg',
  'a query': "'; DROP TABLE a;--.jpg",
  'a template': '{{7*7}}.jpg',
  'a log line': 'a\\",\\"level\\"=\\"fatal.jpg',
  'a leading dot': '.htaccess',
  'a way up': '../../a.jpg',
};

describe('hostile forms', { timeout: 120_000 }, () => {
  const lines: string[] = [];
  let app: Awaited<ReturnType<typeof startApp>>;
  before(async () => {
    const log = createLogger('web', 'trace', { write: (line) => void lines.push(line) });
    app = await startApp({ log, uploadSeconds: 20 });
  });
  after(() => app.stop());

  const isServed = async (): Promise<void> => {
    assert.equal((await postPhoto(app.url, 'next.jpg', photo)).text, 'next:Somebody');
    await until(
      'nothing to be held',
      () => app.admission.requests + app.admission.uploadBytes === 0,
    );
  };

  for (const [what, body] of Object.entries(brokenForms)) {
    it(`a form with ${what} is refused, or read as the photo that it holds`, async () => {
      const { status, text } = await post(app.url, Buffer.from(body, 'latin1'));
      if (status === 200) assert.equal(text, 'a:Somebody');
      else {
        assert.ok(status >= 400 && status < 500, `${status}`);
        assert.match(text, /^[\x20-\x7e]+[.=]$/);
      }
      await isServed();
    });
  }

  for (const [what, name] of Object.entries(oddNames)) {
    it(`a file name with ${what} is refused with 400, and stands in no header and no log`, async () => {
      lines.length = 0;
      const count = app.taken.length;
      const { status, text, headers } = await postPhoto(app.url, name, photo);
      assert.equal(status, 400);
      assert.match(text, /^[\x20-\x7e]+[.=]$/);
      assert.equal(app.taken.length, count);
      const said = JSON.stringify(headers) + lines.join('');
      for (const piece of ['passwd', 'windows', 'alert', 'fatal', '\u202e']) {
        assert.ok(!said.includes(piece), said);
      }
      for (const line of lines) assert.ok(JSON.parse(line));
    });
  }

  for (const [what, name] of Object.entries(lettersOnly)) {
    it(`a file name with ${what} is a name like any other, and stands in no header and no log`, async () => {
      lines.length = 0;
      const { status, text, headers } = await postPhoto(app.url, name, photo);
      assert.equal(status, 200, text);
      assert.match(text, /^[^:\r\n]+:Somebody$/);
      const said = JSON.stringify(headers) + lines.join('');
      for (const piece of ['reboot', 'DROP', 'htaccess', '7*7', '%n', 'fatal']) {
        assert.ok(!said.includes(piece), said);
      }
    });
  }

  it('two photos of one name are two photos', async () => {
    const answers = await Promise.all([1, 2].map(() => postPhoto(app.url, 'same.jpg', photo)));
    assert.deepEqual(
      answers.map(({ text }) => text),
      ['same:Somebody', 'same:Somebody'],
    );
  });

  it('floods of fields, of long names and of nested names are refused with 400', async () => {
    for (const fields of [
      Array.from({ length: 5000 }, (_, i) => ({ field: `f${i}`, bytes: 'x' })),
      [{ field: 'f'.repeat(50_000), bytes: 'x' }],
      [{ field: `f${'[a]'.repeat(5000)}`, bytes: 'x' }],
      [
        { field: 'f[999999999]', bytes: 'x' },
        ...Array.from({ length: 20 }, () => ({ field: '__proto__[x]', bytes: 'y' })),
      ],
      [{ field: 'f', bytes: 'x'.repeat(100_000) }],
    ]) {
      const { status, text } = await post(
        app.url,
        formBody([...fields, { fileName: 'a.jpg', bytes: photo }]),
      );
      assert.equal(status, 400, text);
      assert.match(
        text,
        /more than 16 fields|longer than (?:100|4096) bytes|16384 bytes of headers|cannot be read/,
      );
    }
    assert.deepEqual(Object.keys(Object.prototype), []);
    await isServed();
  });

  it('a flood of headers gets 431 in one sentence', async () => {
    for (const headers of [
      Array.from({ length: 3000 }, (_, i) => `X-${i}: y\r\n`).join(''),
      `X: ${'y'.repeat(1e6)}\r\n`,
    ]) {
      const client = await rawConnection(app.port);
      await client.send(`POST / HTTP/1.1\r\nHost: test\r\n${headers}\r\n`);
      assert.match(
        await client.closed,
        /^HTTP\/1.1 431 [\s\S]*The headers of this request are too large\.$/,
      );
    }
    await isServed();
  });

  it('what is no HTTP gets 400 in one sentence', async () => {
    for (const bytes of [
      '\x16\x03\x01\x02\0\x01\0',
      'GET\r\n\r\n',
      'POST / HTTP/1.1\r\nContent-Length: -1\r\nHost: t\r\n\r\n',
      'POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc',
      'POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    ]) {
      const client = await rawConnection(app.port);
      await client.send(bytes);
      // A body that ends in nonsense may have met an answer to its head already.
      assert.match(await client.closed, /^HTTP\/1.1 4(00|15) [\s\S]*[a-z][^\r\n]*\.$/);
    }
    await isServed();
  });

  it('200 MB are refused by their length alone, and without one as soon as they are too many', async () => {
    const asking = await rawConnection(app.port);
    await asking.send(formHead({ 'Content-Length': 200 * MB }));
    assert.match(await asking.says(/\.$/), /^HTTP\/1.1 413 [\s\S]*over the limit of 1 MB\.$/);
    asking.leave();
    const before = heldBytes();
    const client = await rawConnection(app.port);
    await client.send(formHead({ 'Transfer-Encoding': 'chunked' }));
    const opening = formBody([{ fileName: 'a.jpg', bytes: photo }], { closed: false });
    await client.send(chunk(opening));
    const piece = chunk(Buffer.alloc(MB));
    for (let sent = 0; sent < 200; sent++) await client.send(piece);
    await until('no more to be kept than the limit', () => heldBytes() - before < 20 * MB);
    await client.send('0\r\n\r\n');
    assert.match(await client.says(/\.$/), /^HTTP\/1.1 413 /);
    client.leave();
    await isServed();
  });

  it('a photo that comes in chunks without a length is taken in', async () => {
    const client = await rawConnection(app.port);
    await client.send(formHead({ 'Transfer-Encoding': 'chunked' }));
    const body = formBody([{ fileName: 'chunked.jpg', bytes: photo }]);
    for (let at = 0; at < body.length; at += 100) {
      await client.send(chunk(body.subarray(at, at + 100)));
    }
    await client.send('0\r\n\r\n');
    await client.says(/chunked:Somebody$/);
    client.leave();
  });

  it('whatever was sent, each log line is one JSON object without a letter that a terminal obeys', () => {
    assert.ok(lines.length > 0);
    for (const line of lines) {
      assert.ok(JSON.parse(line));
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there.
      assert.match(line, /^[^\x00-\x1f\x7f-\x9f\u202a-\u202e]+\n$/);
    }
  });
});
