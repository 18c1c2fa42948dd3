import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../../test/condition.fixture.ts';
import { formBody, plainPhoto, postPhoto } from '../../test/form.fixture.ts';
import { LIMIT_MB, startApp } from '../app.fixture.ts';
import { formHead, rawConnection } from '../server/raw.fixture.ts';

const MB = 1024 * 1024;
const photo = await plainPhoto();
/** A photo of nearly the largest size: libjpeg passes over what follows the picture. */
const largePhoto = Buffer.concat([photo, Buffer.alloc(LIMIT_MB * MB - photo.length)]);

describe('the memory that uploads may take', { timeout: 60_000 }, () => {
  it('uploads wait for memory, and get 503 when none is free in time', async (t) => {
    const app = await startApp({ uploadBytes: 2 * MB, memoryWaitMs: 300, displaceAfterMs: 60_000 });
    t.after(() => app.stop());
    const body = formBody([{ fileName: 'large.jpg', bytes: largePhoto.subarray(0, MB - 1000) }]);
    const first = await rawConnection(app.port);
    await first.send(formHead({ 'Content-Length': body.length }));
    await first.send(body.subarray(0, (3 * MB) / 4));
    await until('it to hold the room', () => app.admission.uploadBytes > 1.4 * MB);
    const second = await postPhoto(app.url, 'b.jpg', largePhoto);
    assert.deepEqual([second.status, second.headers['retry-after']], [503, '5']);
    const third = postPhoto(app.url, 'c.jpg', largePhoto);
    await first.send(body.subarray((3 * MB) / 4));
    await first.says(/large:Somebody$/);
    assert.equal((await third).text, 'c:Somebody');
    first.leave();
    await until('all room to be free', () => app.admission.uploadBytes === 0);
  });

  it('a crowd of large uploads that cannot all be in memory at once is taken in whole', async (t) => {
    const app = await startApp({ uploadBytes: 5 * MB });
    t.after(() => app.stop());
    const crowd = Array.from({ length: 40 }, (_, i) => postPhoto(app.url, `${i}.jpg`, largePhoto));
    let most = 0;
    const looking = setInterval(() => {
      most = Math.max(most, app.admission.uploadBytes);
    }, 1);
    t.after(() => clearInterval(looking));
    for (const [i, { text }] of (await Promise.all(crowd)).entries()) {
      assert.equal(text, `${i}:Somebody`);
    }
    assert.ok(most > 2 * MB && most <= 5 * MB, `${most} bytes at most`);
  });

  it('two hundred slow uploads do not slow an honest one, whatever they announce', async (t) => {
    const app = await startApp();
    t.after(() => app.stop());
    const honest = async (): Promise<number> => {
      const times: number[] = [];
      for (let i = 0; i < 40; i++) {
        const start = performance.now();
        assert.equal((await postPhoto(app.url, 'a.jpg', photo)).text, 'a:Somebody');
        times.push(performance.now() - start);
      }
      return times.sort((a, b) => a - b)[20] as number;
    };
    await honest();
    const before = await honest();
    const head = formBody([{ fileName: 'slow.jpg', bytes: photo }], { closed: false });
    const slow = await Promise.all(Array.from({ length: 200 }, () => rawConnection(app.port)));
    for (const client of slow) await client.send(formHead({ 'Content-Length': MB }));
    for (const client of slow) await client.send(head);
    await until('all of them to be here', () => app.admission.requests === 200);
    const dripping = setInterval(() => {
      for (const client of slow) void client.send('x');
    }, 1000);
    t.after(() => clearInterval(dripping));
    const during = await honest();
    // On a machine that is busy with other things a moment more says nothing.
    assert.ok(during < 2 * before + 20, `${before} ms became ${during} ms`);
    for (const client of slow) client.leave();
    await until('all room to be free', () => app.admission.uploadBytes === 0);
  });

  it('an upload that hardly moves gives way when others wait for its room', async (t) => {
    const app = await startApp({ uploadBytes: 2 * MB, displaceAfterMs: 100 });
    t.after(() => app.stop());
    const slow = await rawConnection(app.port);
    await slow.send(formHead({ 'Content-Length': MB }));
    const opening = formBody([{ fileName: 'a.jpg', bytes: largePhoto }]);
    await slow.send(opening.subarray(0, (3 * MB) / 4));
    await until('it to hold the room', () => app.admission.uploadBytes > 1.4 * MB);
    const other = await postPhoto(app.url, 'b.jpg', largePhoto);
    assert.equal(other.text, 'b:Somebody');
    assert.match(await slow.closed, /^HTTP\/1.1 408 [\s\S]*too slow while others were waiting/);
  });
});
