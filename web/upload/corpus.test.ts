import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { decodeImage } from '../../model/decode/decode.ts';
import { ImageError } from '../../model/errors.ts';
import { loadRecognizer } from '../../model/index.ts';
import { postPhoto } from '../../test/form.fixture.ts';
import { modelDirectory } from '../../test/model.fixture.ts';
import { startApp } from '../app.fixture.ts';
import { goodImages, jpegMarkers, otherFiles, pngBomb } from './corpus.fixture.ts';

const SENTENCE = /^[A-Z][\x20-\x7e]+\.$/;
const good = await goodImages();

/** What became of bytes at the decoder: a size, or the one sentence that their sender reads. */
async function decoded(bytes: Uint8Array): Promise<string> {
  try {
    const { width, height, data } = await decodeImage(bytes);
    assert.equal(data.length, width * height * 3);
    return `${width}x${height}`;
  } catch (error) {
    assert.ok(error instanceof ImageError, String(error));
    assert.match(error.message, /^[^\n]+\.$/);
    return error.message;
  }
}

describe('images of every kind at the web tier and the decoder', { timeout: 60_000 }, () => {
  let app: Awaited<ReturnType<typeof startApp>>;
  before(async () => {
    app = await startApp();
  });
  after(() => app.stop());

  for (const [what, bytes] of Object.entries(good)) {
    it(`${what} is taken in, and decodes to its size`, async () => {
      const { status, text } = await postPhoto(app.url, 'named.jpg', bytes);
      assert.deepEqual([status, text], [200, 'named:Somebody']);
      const onItsSide = /EXIF [5-8]/.test(what);
      const size = /^\d+x\d+$/.test(what) ? what : onItsSide ? '32x48' : '48x32';
      assert.equal(await decoded(bytes), size);
    });
  }

  it('a picture turned in any of the eight ways of EXIF is upright when it is decoded', async () => {
    // The camera's pixels are the same each time; what is left and above differs as EXIF says.
    const corners: string[] = [];
    for (let orientation = 1; orientation <= 8; orientation++) {
      const { width, height, data } = await decodeImage(
        good[`turned as EXIF ${orientation} says`] as Buffer,
      );
      const redAt = (x: number, y: number): string =>
        (data[(y * width + x) * 3] as number) > 100 ? 'r' : 'b';
      corners.push(redAt(2, 2) + redAt(width - 3, 2) + redAt(2, height - 3));
    }
    assert.deepEqual(corners, ['rbr', 'brb', 'brb', 'rbr', 'rrb', 'rrb', 'bbr', 'bbr']);
  });

  it('a JPEG cut at any marker, or a byte after it, is decoded or refused in one sentence', async () => {
    for (const kind of ['a baseline JPEG', 'a progressive JPEG', 'a CMYK JPEG']) {
      const whole = good[kind] as Buffer;
      const markers = jpegMarkers(whole);
      assert.ok(markers.length >= 8, `${kind} has ${markers.length} markers`);
      for (const at of markers.flatMap((place) => [place, place + 1, place + 3])) {
        const cut = whole.subarray(0, at);
        const said = await decoded(cut);
        if (at <= (markers.at(-2) as number)) assert.match(said, /\.$/, `${kind} cut at ${at}`);
        const { status, text } = await postPhoto(app.url, 'cut.jpg', cut);
        if (status !== 200) assert.match(text, SENTENCE);
        assert.ok([200, 400, 415].includes(status), `${status}`);
      }
    }
  });

  it('a decompression bomb is refused by its size before it is unpacked', async () => {
    const bomb = pngBomb(30_000, 30_000);
    assert.ok(bomb.length < 100_000);
    const before = process.memoryUsage().rss;
    assert.match(await decoded(bomb), /^The image is too large: 30000x30000 is 900 megapixels/);
    assert.ok(process.memoryUsage().rss - before < 100 * 1024 * 1024);
    assert.match(await decoded(pngBomb(2_000_000_000, 2_000_000_000)), /\.$/);
    assert.match(await decoded(pngBomb(7000, 7000)), /\.$/);
  });

  it('what is no photo is refused in one sentence under any name, and makes nobody load anything', async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const canary = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    for (const [what, bytes] of Object.entries(otherFiles(canary))) {
      for (const name of ['a.jpg', 'a.png', 'a.svg', 'noending']) {
        const { status, text } = await postPhoto(app.url, name, bytes);
        assert.equal(status, bytes.length === 0 ? 400 : 415, what);
        assert.match(text, SENTENCE);
      }
      // The worker asks the decoder again: a message on the queue need not come from the web tier.
      assert.match(await decoded(bytes), /\.$/, what);
    }
    assert.deepEqual(asked, []);
    server.close();
  });

  it('each common format is judged by its bytes, whatever its name says', async () => {
    for (const [kind, type] of [
      ['a WebP', 'image/webp'],
      ['a GIF', 'image/gif'],
      ['an AVIF', 'image/avif'],
      ['a TIFF', 'image/tiff'],
      ['a palette PNG', 'image/png'],
    ] as const) {
      await postPhoto(app.url, 'photo.jpg', good[kind] as Buffer);
      assert.deepEqual(app.taken.at(-1), { file: 'photo.jpg', type });
    }
  });
});

describe('odd images through the whole model', { timeout: 120_000 }, () => {
  it('the narrowest, the smallest and the strangest have no face, and nothing else happens', async () => {
    const recognizer = await loadRecognizer(await modelDirectory());
    for (const kind of [
      '1x1',
      '20000x1',
      '1x20000',
      'a CMYK JPEG',
      'a grey JPEG',
      'a 16-bit PNG',
    ]) {
      const { faces } = await recognizer.recognize(good[kind] as Buffer);
      assert.deepEqual(faces, [], kind);
    }
  });
});
