/** Photos as cameras, phones and other programs write them, beside those that sharp writes. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { ImageError } from '../errors.ts';
import { decodeImage } from './decode.ts';
import { assertNear, assertScene, fileOf, HEIGHT, pixel, scene, WIDTH } from './scene.fixture.ts';

for (const [name, tolerance] of [
  ['a CMYK JPEG of Adobe', 4],
  ['a CMYK JPEG without a marker', 4],
  ['a CMYK TIFF', 0],
  ['a BigTIFF', 0],
  ['an animated PNG', 0],
  ['an AVIF sequence', 6],
  ['an AVIF of the brand mif1', 6],
  ['an AVIF of the brand miaf', 6],
  ['a HEIC', 6],
  ['a HEIC of 10 bits', 6],
  ['a HEIC of the brand mif1', 6],
  ['a HEIC that is turned as it is shown', 6],
  ['a BMP of 24 bits', 0],
  ['a BMP of 32 bits', 0],
  ['a BMP of a palette', 0],
] as const) {
  test(`${name} decodes to its colours`, async () => {
    assertScene(await decodeImage(fileOf(name)), tolerance);
  });
}

test('a grey AVIF of limited range gets black, white and what is between back', async () => {
  const image = await decodeImage(fileOf('grey AVIF of limited range'));
  // Rounded as luma: 0.299, 0.587, 0.114 of 200.
  assertNear(pixel(image, 8, 24), [60, 60, 60], 2);
  assertNear(pixel(image, 40, 8), [117, 117, 117], 2);
  assertNear(pixel(image, 40, 28), [23, 23, 23], 2);
});

test('transparent parts are white in every format that has them', async () => {
  const data = Buffer.alloc(WIDTH * HEIGHT * 4);
  for (let at = 0; at < data.length; at += 4) {
    data.set([9, 9, 9, (at / 4) % WIDTH < 8 ? 0 : 255], at);
  }
  const made = () => sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels: 4 } });
  const files: Record<string, Buffer> = {
    PNG: await made().png().toBuffer(),
    WebP: await made().webp({ lossless: true }).toBuffer(),
    GIF: await made().gif().toBuffer(),
    TIFF: await made().tiff({ compression: 'lzw' }).toBuffer(),
    AVIF: fileOf('transparent AVIF'),
    HEIC: fileOf('transparent HEIC'),
  };
  for (const [format, bytes] of Object.entries(files)) {
    const image = await decodeImage(bytes);
    assertNear(pixel(image, 1, 20), [255, 255, 255], 3);
    assert.ok(pixel(image, 14, 20)[2]! < 30, `${format} is not transparent there`);
  }
});

async function assertDamaged(bytes: Uint8Array): Promise<void> {
  await assert.rejects(decodeImage(bytes), (error) => {
    assert.ok(error instanceof ImageError);
    assert.match(error.message, /damaged or cut short/);
    return true;
  });
}

const noise = () =>
  sharp({
    create: {
      width: 200,
      height: 150,
      channels: 3,
      background: 'black',
      noise: { type: 'gaussian', mean: 128, sigma: 60 },
    },
  });
const jpegs: [what: string, bytes: Buffer][] = [
  ['a JPEG', await noise().jpeg().toBuffer()],
  ['a progressive JPEG', await noise().jpeg({ progressive: true }).toBuffer()],
  ['a grey JPEG', await noise().greyscale().jpeg().toBuffer()],
  ['a CMYK JPEG', await noise().toColourspace('cmyk').jpeg().toBuffer()],
];
for (const [what, bytes] of jpegs) {
  test(`${what} without its end marker is read, since every block is there`, async () => {
    const whole = await decodeImage(bytes);
    const ended = bytes.subarray(0, -2);
    for (const ending of [[], [0xff], [0], Array<number>(4000).fill(0), [0xff, 0xff]]) {
      const image = await decodeImage(Buffer.concat([ended, Buffer.from(ending)]));
      assert.deepEqual(image, whole);
    }
  });

  test(`${what} whose last blocks are missing is refused, also when zeros stand there`, async () => {
    for (const missing of [40, bytes.length >> 3, bytes.length >> 1]) {
      const cut = bytes.subarray(0, -missing);
      await assertDamaged(cut);
      await assertDamaged(Buffer.concat([cut, Buffer.alloc(missing)]));
    }
  });
}

test('a progressive JPEG that ends between two scans is refused: details are missing', async () => {
  const bytes = await noise().jpeg({ progressive: true }).toBuffer();
  const starts: number[] = [];
  for (
    let at = bytes.indexOf('ffda', 0, 'hex');
    at >= 0;
    at = bytes.indexOf('ffda', at + 1, 'hex')
  ) {
    starts.push(at);
  }
  assert.ok(starts.length > 4);
  for (const start of starts.slice(1)) await assertDamaged(bytes.subarray(0, start));
});

test('a HEIC cut short is refused, wherever it was cut', async () => {
  const bytes = fileOf('a HEIC');
  for (const share of [0.1, 0.5, 0.9]) {
    await assertDamaged(bytes.subarray(0, Math.floor(bytes.length * share)));
  }
});

test('without the package libheif-js HEIC is refused by name, and JPEG is read', async () => {
  const gone = `import { registerHooks } from 'node:module';
    registerHooks({ resolve(name, context, next) {
      if (!name.startsWith('libheif-js')) return next(name, context);
      throw Object.assign(new Error('Cannot find it'), { code: 'MODULE_NOT_FOUND' });
    } });`;
  const program = `const { decodeImage } = await import(${JSON.stringify(import.meta.resolve('./decode.ts'))});
    const read = (text) => decodeImage(Buffer.from(text, 'base64')).then(() => 'read', (error) => error.message);
    console.log(await read('${fileOf('a HEIC').toString('base64')}'));
    console.log(await read('${(await scene().jpeg().toBuffer()).toString('base64')}'));`;
  const NODE_OPTIONS = `--import data:text/javascript,${encodeURIComponent(gone)}`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', program],
    { env: { ...process.env, NODE_OPTIONS } },
  );
  assert.deepEqual(stdout.trim().split('\n'), [
    'HEIC photos cannot be read here, because the package libheif-js is not installed: send the photo as JPEG.',
    'read',
  ]);
});

test('several HEIC photos at once do not disturb each other', async () => {
  const images = await Promise.all(Array.from({ length: 3 }, () => decodeImage(fileOf('a HEIC'))));
  for (const image of images) assertScene(image, 6);
});
