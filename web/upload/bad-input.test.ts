import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { stemOf } from '../../cloud/contract/names.ts';
import { formBody, plainPhoto, post, postPhoto } from '../../test/form.fixture.ts';
import { startApp } from '../app.fixture.ts';

describe('what the web tier refuses', () => {
  let running: Awaited<ReturnType<typeof startApp>>;
  let photo: Buffer;
  before(async () => {
    running = await startApp();
    photo = await plainPhoto();
  });
  after(() => running.stop());

  /** One clear sentence, no internals, nothing taken in, and the next request is served. */
  async function refuses(send: () => ReturnType<typeof post>, status: number, says: RegExp) {
    running.taken.length = 0;
    const answer = await send();
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.text, says);
    assert.match(answer.headers['content-type'] as string, /^text\/plain/);
    assert.doesNotMatch(answer.text, /\n|node_modules|Error:|<html/);
    assert.equal(running.taken.length, 0);
    const next = await postPhoto(running.url, 'next.jpg', photo);
    assert.deepEqual([next.status, next.text], [200, 'next:Somebody']);
  }

  it('an empty file is refused with 400', () =>
    refuses(() => postPhoto(running.url, 'a.jpg', Buffer.alloc(0)), 400, /empty/));

  it('a file that is no image is refused with 415, whatever its name says', () =>
    refuses(() => postPhoto(running.url, 'a.jpg', Buffer.from('just text')), 415, /JPEG, PNG/));

  it('an SVG and a PDF are refused with 415', async () => {
    await refuses(
      () =>
        postPhoto(running.url, 'a.png', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')),
      415,
      /SVG drawings cannot be read/,
    );
    await refuses(
      () => postPhoto(running.url, 'a.jpg', Buffer.from('%PDF-1.7\n')),
      415,
      /not a photo/,
    );
  });

  it('a file over the limit is refused with 413, which names the limit', () =>
    refuses(
      () => postPhoto(running.url, 'a.jpg', Buffer.concat([photo, Buffer.alloc(50 * 1024 * 1024)])),
      413,
      /limit of 1 MB/,
    ));

  it('two files are refused with 400', () =>
    refuses(
      () =>
        post(
          running.url,
          formBody([
            { fileName: 'a.jpg', bytes: photo },
            { fileName: 'b.jpg', bytes: photo },
          ]),
        ),
      400,
      /More than one file/,
    ));

  it('a file in the wrong field is refused with 400, which names both fields', () =>
    refuses(
      () => post(running.url, formBody([{ field: 'myfile', fileName: 'a.jpg', bytes: photo }])),
      400,
      /"myfile".*'inputFile'/,
    ));

  it('a form without a file, and text in the place of the file, are refused', async () => {
    await refuses(() => post(running.url, formBody([{ field: 'a', bytes: 'b' }])), 400, /No photo/);
    await refuses(() => post(running.url, formBody([{ bytes: 'no file' }])), 415, /not a photo/);
  });

  it('a body that is no form is refused with 415', () =>
    refuses(
      () => post(running.url, photo, { contentType: 'image/jpeg' }),
      415,
      /^The request is "image\/jpeg", not a multipart form\./,
    ));

  it('a form that breaks off, and one without a boundary, are refused with 400', async () => {
    const whole = formBody([{ fileName: 'a.jpg', bytes: photo }]);
    await refuses(() => post(running.url, whole.subarray(0, 200)), 400, /ends before its closing/);
    await refuses(
      () => post(running.url, whole, { contentType: 'multipart/form-data' }),
      400,
      /has no boundary/,
    );
  });

  it('a form with too many fields is refused with 400', () =>
    refuses(
      () =>
        post(
          running.url,
          formBody(Array.from({ length: 100 }, (_, i) => ({ field: `f${i}`, bytes: 'x' }))),
        ),
      400,
      /more than 16 fields/,
    ));

  for (const [what, name, rule] of [
    ['that is only a folder', 'photos/', /no letter before its ending/],
    ['of dots', '..', /no letter before its ending/],
    ['of 300 letters', `${'a'.repeat(296)}.jpg`, /longer than 255/],
    ['written right to left', '\u202Egpj.exe', /U\+202E, which turns the direction/],
    ['with a control character', 'a\u0007b.jpg', /control character U\+0007/],
    ['with an escaped line break', 'a%0D%0Ab.jpg', /control character U\+000D/],
    ['with a colon, as Android gives it', 'image:1000012345', /':' before its ending/],
  ] as const) {
    it(`a name ${what} is refused with 400`, () =>
      refuses(() => postPhoto(running.url, name, photo), 400, rule));
  }

  it('a path that is not there gets 404 in one sentence', async () => {
    const answer = await fetch(`${running.url}nothing/here`);
    assert.equal(answer.status, 404);
    assert.match(await answer.text(), /send photos to POST \//);
  });

  it('another method than POST gets 405 in one sentence', async () => {
    const answer = await fetch(running.url, { method: 'PUT', body: 'x' });
    assert.equal(answer.status, 405);
    assert.match(await answer.text(), /^PUT is not allowed here: use GET, HEAD, POST\.$/);
  });

  it('an image of a format that is not read is refused by its name, with what to do', async () => {
    await refuses(
      () => postPhoto(running.url, 'a.jxl', Buffer.from('ff0a7a0f', 'hex')),
      415,
      /^JPEG XL images cannot be read: save the photo as JPEG or PNG, then send that\.$/,
    );
    await refuses(
      () => postPhoto(running.url, 'a.jpg', Buffer.from('<!doctype html><html>404</html>')),
      415,
      /^The file is a web page \(HTML\), not a photo: download the photo itself/,
    );
  });

  it('who asks for JSON gets the refusal as a problem of a stable type', async () => {
    const answer = await postPhoto(running.url, 'a.jpg', Buffer.from('text'), {
      Accept: 'application/json',
    });
    assert.equal(answer.status, 415);
    assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
    const { type, title, status, detail, instance } = JSON.parse(answer.text);
    assert.deepEqual([type, title, status], ['/problems/not-an-image', 'Not a photo', 415]);
    assert.match(detail, /JPEG/);
    assert.equal(instance, `urn:uuid:${answer.headers['x-request-id']}`);
  });

  it('a client that breaks off in the middle of its upload leaves the service working', async () => {
    const body = formBody([{ fileName: 'a.jpg', bytes: photo }]);
    const controller = new AbortController();
    const stream = new ReadableStream({
      start(sink) {
        sink.enqueue(body.subarray(0, 100));
        controller.abort();
      },
    });
    await assert.rejects(
      fetch(running.url, {
        method: 'POST',
        body: stream,
        duplex: 'half',
        signal: controller.signal,
        headers: { 'Content-Type': 'multipart/form-data; boundary=elastic-face-test-boundary' },
      } as RequestInit),
    );
    const next = await postPhoto(running.url, 'next.jpg', photo);
    assert.equal(next.status, 200);
  });

  it('names that people use are taken: spaces, brackets, dots, dashes, any script', async () => {
    for (const name of [
      'test_00.jpg',
      'IMG 20 (1).JPG',
      'a.b.c-d_e+f=g@h.jpeg',
      'noextension',
      "Ada's, Bob & Cy [1] 100% #1~2;.jpg",
      'Screenshot 1.05.22\u202fAM.png',
      '\u5199\u771f \u{1F600}.jpg',
      '.hidden.jpg',
    ]) {
      const { status, text } = await postPhoto(running.url, name, photo);
      assert.deepEqual([status, text], [200, `${stemOf(name)}:Somebody`]);
    }
  });
});
