import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { Match } from '../../cloud/contract/match.ts';
import { until } from '../../test/condition.fixture.ts';
import { formBody, plainPhoto, post, postPhoto } from '../../test/form.fixture.ts';
import { heldBytes } from '../../test/memory.fixture.ts';
import { LIMIT_MB, startApp } from '../app.fixture.ts';
import { chunk, formHead, rawConnection } from '../server/raw.fixture.ts';

const MB = 1024 * 1024;
const photo = await plainPhoto();
/** A photo of nearly the largest size: libjpeg passes over what follows the picture. */
const largePhoto = Buffer.concat([photo, Buffer.alloc(LIMIT_MB * MB - photo.length)]);

/** Recognition that ends when the test says so. */
function held() {
  const waiting: (() => void)[] = [];
  return {
    recognise: () =>
      new Promise<Match>((resolve) => {
        waiting.push(() => resolve({ name: 'Somebody' } as Match));
      }),
    count: () => waiting.length,
    release() {
      for (const answer of waiting.splice(0)) answer();
    },
  };
}

describe('how much of the web tier clients may use', { timeout: 60_000 }, () => {
  it('past the limit of requests a further one gets 503 with Retry-After, and nothing of it is kept', async (t) => {
    const work = held();
    const app = await startApp({ maxRequests: 2, recognise: work.recognise });
    t.after(() => app.stop());
    const first = [postPhoto(app.url, 'a.jpg', photo), postPhoto(app.url, 'b.jpg', photo)];
    await until('both to be here', () => work.count() === 2);
    const third = await postPhoto(app.url, 'c.jpg', photo);
    assert.deepEqual([third.status, third.headers['retry-after']], [503, '5']);
    assert.match(third.text, /^Too many photos are waiting: send this one again later\.$/);
    assert.deepEqual(app.taken.map(({ file }) => file).sort(), ['a.jpg', 'b.jpg']);
    work.release();
    assert.deepEqual(
      (await Promise.all(first)).map(({ status }) => status),
      [200, 200],
    );
    await until('the limit to be free again', () => app.admission.requests === 0);
    const again = postPhoto(app.url, 'c.jpg', photo);
    await until('it to be here', () => work.count() === 1);
    work.release();
    assert.equal((await again).status, 200);
  });

  it('the 503 comes before the body is read: who asks first never has to send it', async (t) => {
    const work = held();
    const app = await startApp({ maxRequests: 1, recognise: work.recognise });
    t.after(() => app.stop());
    const first = postPhoto(app.url, 'a.jpg', photo);
    await until('it to be here', () => work.count() === 1);
    const asking = await rawConnection(app.port);
    await asking.send(formHead({ 'Content-Length': MB, Expect: '100-continue' }));
    assert.match(await asking.says(/HTTP\/1.1 \d/), /^HTTP\/1.1 503 /);
    assert.doesNotMatch(asking.said(), /100 Continue/);
    const sending = await rawConnection(app.port);
    await sending.send(formHead({ 'Content-Length': MB }));
    assert.match(await sending.says(/later\.$/), /^HTTP\/1.1 503 /);
    asking.leave();
    sending.leave();
    work.release();
    await first;
  });

  it('who asks first is told to go on when there is room', async (t) => {
    const app = await startApp();
    t.after(() => app.stop());
    const body = formBody([{ fileName: 'a.jpg', bytes: photo }]);
    const client = await rawConnection(app.port);
    await client.send(formHead({ 'Content-Length': body.length, Expect: '100-continue' }));
    await client.says(/^HTTP\/1.1 100 Continue/);
    await client.send(body);
    await client.says(/a:Somebody$/);
    client.leave();
  });

  it('who leaves while the key is looked up is not counted any more', async (t) => {
    const asked = Promise.withResolvers<void>();
    const decided = Promise.withResolvers<void>();
    const app = await startApp({
      parts: {
        access: {
          requireClient: () => {
            asked.resolve();
            return decided.promise;
          },
          isAdmin: () => true,
        } as never,
      },
    });
    t.after(() => app.stop());
    const client = await rawConnection(app.port);
    await client.send(formHead({ 'Content-Length': 1000 }));
    await asked.promise;
    client.leave();
    const connections = promisify(app.server.getConnections.bind(app.server));
    await until('the server to know', async () => (await connections()) === 0);
    decided.resolve();
    // Another request comes after it, and is the only one that is counted.
    await postPhoto(app.url, 'a.jpg', largePhoto);
    await until('nobody to be counted', () => app.admission.requests === 0);
  });

  for (const path of ['', 'v1/recognitions']) {
    it(`a photo for /${path} is not kept in memory while its client waits for the answer`, async (t) => {
      const work = held();
      const app = await startApp({ recognise: () => work.recognise() });
      t.after(() => app.stop());
      const before = heldBytes();
      const clients = 40;
      const body = formBody([{ fileName: 'a.jpg', bytes: largePhoto }]);
      const answers: Promise<unknown>[] = [];
      for (let client = 0; client < clients; client++) {
        // One body for all: the clients are of this process too.
        answers.push(post(`${app.url}${path}`, body));
      }
      await until('all to be stored', () => work.count() === clients);
      await until('their bytes to be free', () => heldBytes() - before < (clients * MB) / 4);
      assert.equal(app.admission.uploadBytes, 0);
      assert.equal(app.admission.requests, clients);
      work.release();
      await Promise.all(answers);
    });
  }

  it('a body or a head that does not come gets 408, and its connection ends', async (t) => {
    const app = await startApp({ uploadSeconds: 0.3 });
    t.after(() => app.stop());
    const body = await rawConnection(app.port);
    await body.send(formHead({ 'Content-Length': MB }));
    await body.send('--elastic-face-test-boundary\r\n');
    const head = await rawConnection(app.port);
    await head.send('POST / HTTP/1.1\r\nHost: te');
    for (const client of [body, head]) {
      const said = await client.closed;
      assert.match(said, /^HTTP\/1.1 408 Request Timeout\r\n[\s\S]*\r\n\r\nThe request did not/);
    }
    await until('nothing to be left', () => app.admission.requests === 0);
    assert.equal(app.admission.uploadBytes, 0);
  });

  it('a body without an end gets 408 when its time is over, however much has come', async (t) => {
    const app = await startApp({ uploadSeconds: 1 });
    t.after(() => app.stop());
    const client = await rawConnection(app.port);
    await client.send(formHead({ 'Transfer-Encoding': 'chunked' }));
    const opening = formBody([{ fileName: 'a.jpg', bytes: photo }], { closed: false });
    await client.send(chunk(opening));
    const piece = chunk(Buffer.alloc(65_536));
    let over = false;
    void client.closed.then(() => {
      over = true;
    });
    while (!over) {
      await client.send(piece);
      await new Promise(setImmediate);
    }
    assert.match(await client.closed, /^HTTP\/1.1 408 /);
    await until('nothing to be left', () => app.admission.requests === 0);
    assert.equal(app.admission.uploadBytes, 0);
    assert.equal(app.taken.length, 0);
  });

  it('clients that leave at any moment leave nothing behind', async (t) => {
    const work = held();
    const app = await startApp({ recognise: work.recognise, uploadBytes: 2 * MB });
    t.after(() => app.stop());
    const body = formBody([{ fileName: 'a.jpg', bytes: photo }]);
    for (const sent of [0, 50, body.length - 10, body.length]) {
      const clients = await Promise.all(Array.from({ length: 5 }, () => rawConnection(app.port)));
      for (const client of clients) {
        await client.send(formHead({ 'Content-Length': body.length }));
        await client.send(body.subarray(0, sent));
      }
      await until('all to be here', () => app.admission.requests === clients.length);
      for (const client of clients) client.leave();
      await until('none to be left', () => app.admission.requests === 0);
      await until('the room to be free', () => app.admission.uploadBytes === 0);
    }
    work.release();
  });
});
