/** Every kind of image people send decodes to what they see; everything else gets one sentence. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import { ImageError } from '../errors.ts';
import { decodeImage, MAX_PIXELS } from './decode.ts';
import { assertNear, assertScene, colourAt, HEIGHT, pixel, scene, WIDTH } from './scene.fixture.ts';

const sameColours: [what: string, made: () => Sharp, tolerance: number][] = [
  ['a baseline JPEG', () => scene().jpeg({ quality: 95 }), 4],
  ['a progressive JPEG', () => scene().jpeg({ quality: 95, progressive: true }), 4],
  ['a JPEG with full colour resolution', () => scene().jpeg({ chromaSubsampling: '4:4:4' }), 6],
  ['a PNG', () => scene().png(), 0],
  ['an interlaced PNG', () => scene().png({ progressive: true }), 0],
  ['a palette PNG', () => scene().png({ palette: true }), 0],
  ['a 16-bit PNG', () => scene().toColourspace('rgb16').png(), 0],
  ['a lossless WebP', () => scene().webp({ lossless: true }), 0],
  ['a lossy WebP', () => scene().webp({ quality: 95 }), 12],
  ['a GIF', () => scene().gif(), 0],
  ['a TIFF', () => scene().tiff({ compression: 'lzw' }), 0],
  ['an AVIF', () => scene().avif({ lossless: true }), 1],
];
for (const [what, made, tolerance] of sameColours) {
  test(`${what} decodes to its colours`, async () => {
    assertScene(await decodeImage(await made().toBuffer()), tolerance);
  });
}

for (const space of ['b-w', 'grey16'] as const) {
  test(`a grey image (${space}) decodes to three equal channels`, async () => {
    const bytes = await scene().toColourspace(space).png().toBuffer();
    assert.equal((await sharp(bytes).metadata()).channels, 1);
    const image = await decodeImage(bytes);
    assert.equal(image.data.length, WIDTH * HEIGHT * 3);
    const [red, green, blue] = pixel(image, 8, 24);
    assert.ok(red! > 40 && red! < 120);
    assert.deepEqual([green, blue], [red, red]);
  });
}

test('transparent parts are white, as viewers show them', async () => {
  const bytes = await sharp(Buffer.from([9, 9, 9, 0, 200, 0, 0, 255, 200, 0, 0, 128]), {
    raw: { width: 3, height: 1, channels: 4 },
  })
    .png()
    .toBuffer();
  const image = await decodeImage(bytes);
  assert.deepEqual(pixel(image, 0, 0), [255, 255, 255]);
  assert.deepEqual(pixel(image, 1, 0), [200, 0, 0]);
  assertNear(pixel(image, 2, 0), [227, 127, 127], 1);
});

test('of an animation the first frame is decoded', async () => {
  const frames = new Uint8Array(16 * 32 * 3);
  for (let at = 0; at < frames.length; at++) frames[at] = at < 16 * 16 * 3 ? 255 : 0;
  const bytes = await sharp(frames, { raw: { width: 16, height: 32, channels: 3, pageHeight: 16 } })
    .gif()
    .toBuffer();
  assert.equal((await sharp(bytes, { animated: true }).metadata()).pages, 2);
  const image = await decodeImage(bytes);
  assert.deepEqual([image.width, image.height], [16, 16]);
  assert.deepEqual(pixel(image, 5, 5), [255, 255, 255]);
});

/**
 * Where the pixel x, y of the upright scene is stored, as [column, row]: the EXIF standard (tag 274)
 * says of which side the first row and the first column are.
 */
const stored: Record<number, (x: number, y: number) => [column: number, row: number]> = {
  1: (x, y) => [x, y],
  2: (x, y) => [WIDTH - 1 - x, y],
  3: (x, y) => [WIDTH - 1 - x, HEIGHT - 1 - y],
  4: (x, y) => [x, HEIGHT - 1 - y],
  5: (x, y) => [y, x],
  6: (x, y) => [y, WIDTH - 1 - x],
  7: (x, y) => [HEIGHT - 1 - y, WIDTH - 1 - x],
  8: (x, y) => [HEIGHT - 1 - y, x],
};
for (const [orientation, place] of Object.entries(stored)) {
  test(`EXIF orientation ${orientation} is turned upright, unless told not to`, async () => {
    const [width, height] = Number(orientation) < 5 ? [WIDTH, HEIGHT] : [HEIGHT, WIDTH];
    const data = new Uint8Array(width * height * 3);
    for (let y = 0; y < HEIGHT; y++) {
      for (let x = 0; x < WIDTH; x++) {
        const [column, row] = place(x, y);
        data.set(colourAt(x, y), (row * width + column) * 3);
      }
    }
    const bytes = await sharp(data, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: 95 })
      .withMetadata({ orientation: Number(orientation) })
      .toBuffer();
    assertScene(await decodeImage(bytes), 8);
    const asStored = await decodeImage(bytes, { orient: false });
    assert.deepEqual([asStored.width, asStored.height], [width, height]);
    const [column, row] = place(40, 8);
    assertNear(pixel(asStored, column, row), [0, 200, 0], 8);
  });
}

test('a colour profile does not change the pixels', async () => {
  const plain = await scene().png().toBuffer();
  const withProfile = await sharp(plain).withIccProfile('p3', { attach: true }).png().toBuffer();
  const stored = await sharp(withProfile, { ignoreIcc: true }).raw().toBuffer();
  assert.ok((await sharp(withProfile).metadata()).icc);
  assert.deepEqual(Buffer.from((await decodeImage(withProfile)).data), stored);
});

for (const [width, height] of [
  [1, 1],
  [1, 20_000],
  [20_000, 1],
] as const) {
  test(`an image of ${width}x${height} decodes`, async () => {
    const bytes = await sharp({ create: { width, height, channels: 3, background: '#123456' } })
      .png()
      .toBuffer();
    const image = await decodeImage(bytes);
    assert.deepEqual([image.width, image.height], [width, height]);
    assert.deepEqual(pixel(image, width - 1, height - 1), [0x12, 0x34, 0x56]);
  });
}

test('bytes inside a larger buffer are read from where they begin', async () => {
  const bytes = await scene().png().toBuffer();
  const around = new Uint8Array(bytes.length + 20).fill(7);
  around.set(bytes, 13);
  assertScene(await decodeImage(around.subarray(13, 13 + bytes.length)), 0);
});

async function assertRefused(bytes: Uint8Array, sentence: RegExp): Promise<void> {
  await assert.rejects(decodeImage(bytes), (error) => {
    assert.ok(error instanceof ImageError);
    assert.match(error.message, sentence);
    assert.match(error.message, /^[A-Z][^\n]*\.$/, 'one sentence');
    assert.doesNotMatch(error.message, /vips|libspng|colou?rspace/i, 'no insides of the decoder');
    return true;
  });
}

for (const format of ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const) {
  test(`a ${format} cut short is refused, wherever it was cut`, async () => {
    const noise = { type: 'gaussian', mean: 128, sigma: 60 } as const;
    const bytes = await sharp({
      create: { width: 200, height: 150, channels: 3, background: 'black', noise },
    })
      .toFormat(format)
      .toBuffer();
    for (const share of [0.02, 0.3, 0.9]) {
      const cut = bytes.subarray(0, Math.max(20, Math.floor(bytes.length * share)));
      await assertRefused(cut, /damaged or cut short/);
    }
  });
}

const notImages: [what: string, bytes: Uint8Array, sentence: RegExp][] = [
  ['zero bytes', new Uint8Array(), /empty/],
  ['a text', Buffer.from('Dear recogniser, who is this?'), /a text, not a photo.*send JPEG/],
  [
    'an SVG drawing',
    Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>'),
    /SVG drawings cannot be read/,
  ],
  ['a PDF', Buffer.from('%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n'), /a PDF document, not a photo/],
  [
    'a HEIC brand and no more',
    Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1'),
    /damaged/,
  ],
  ['a JPEG header and no more', Buffer.from('ffd8ffe000104a464946000101', 'hex'), /damaged/],
  ['a PNG header and no more', Buffer.from('89504e470d0a1a0a', 'hex'), /damaged/],
];
for (const [what, bytes, sentence] of notImages) {
  test(`${what} is refused with a sentence`, () => assertRefused(bytes, sentence));
}

test('a small file that claims more pixels than are borne is refused before it is unpacked', async () => {
  const bomb = await sharp({
    create: { width: 9000, height: 9000, channels: 3, background: 'white' },
  })
    .png({ compressionLevel: 9 })
    .toBuffer();
  assert.ok(bomb.length < 1_000_000 && 81_000_000 > MAX_PIXELS);
  await assertRefused(bomb, /too large: 9000x9000 is 81 megapixels, at most 51/);
});
