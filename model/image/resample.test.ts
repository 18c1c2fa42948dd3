/** Pins the resize to what Pillow 13 answers, byte for byte, and to the plain loops that answer the same. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { FUZZ_TIMEOUT_MS, fuzzCases } from '../../test/fuzz.fixture.ts';
import { patternImage } from './pattern.fixture.ts';
import { resizeByLoops } from './resample.fixture.ts';
import { resizeBilinear } from './resample.ts';

/** Image.crop(window).resize((size, size), BILINEAR) of the pattern: SHA-256 of all bytes. */
const pinned = [
  {
    what: 'reduces, rows first',
    image: [50, 40],
    window: [3, 5, 33, 29],
    size: 12,
    first: [139, 185, 140, 123, 96, 151, 173, 143, 106],
    sha256: '2427f45b40498b2da6de634f6d1e8158f7886ca7513ab5bd75e99f11f888135d',
  },
  {
    what: 'enlarges both sides',
    image: [50, 40],
    window: [0, 0, 50, 40],
    size: 64,
    first: [0, 7, 27, 40, 72, 118, 137, 83, 157],
    sha256: 'affe911e5e9c105bf0c3a2db448140078f5ae5360fae58e3805500aef5833e3d',
  },
  {
    what: 'reduces a tall window inside the photo, columns first',
    image: [60, 300],
    window: [10, 20, 50, 290],
    size: 48,
    first: [136, 103, 127, 147, 108, 117, 132, 126, 115],
    sha256: '802665bc80093ed703555f28b68d8dce92824aac7aba3cc7a1f108a8efc1c7ab',
  },
  {
    what: 'reduces a wide photo, rows first',
    image: [300, 60],
    window: [0, 0, 300, 60],
    size: 48,
    first: [116, 109, 152, 156, 116, 160, 123, 137, 146],
    sha256: '9998ff3c9631e2af0571541f67fc5b219fcc5db6b075aebcb490a74ebe06332a',
  },
  {
    what: 'enlarges the width and reduces the height',
    image: [30, 100],
    window: [0, 0, 30, 100],
    size: 48,
    first: [101, 26, 74, 115, 75, 92, 139, 136, 112],
    sha256: '17f5abed08d98ba1137dd47e6837e33cf2d8743e202b94709b6da213b6e91e79',
  },
  {
    what: 'spreads a single pixel',
    image: [1, 1],
    window: [0, 0, 1, 1],
    size: 5,
    first: [0, 7, 27, 0, 7, 27, 0, 7, 27],
    sha256: '229ac5dc7c64dcfabc724b201e9d402477a4266e36b04aea458af08689265e50',
  },
] as const;

for (const { what, image, window, size, first, sha256 } of pinned) {
  test(`resize ${what} as Pillow does`, () => {
    const [width, height] = image;
    const [left, top, right, bottom] = window;
    const resized = resizeBilinear(patternImage(width, height), { left, top, right, bottom }, size);
    assert.deepEqual([...resized.subarray(0, 9)], first);
    assert.equal(createHash('sha256').update(resized).digest('hex'), sha256);
  });
}

test('a window of the target size is copied unchanged', () => {
  const image = patternImage(20, 20);
  const whole = { left: 0, top: 0, right: 20, bottom: 20 };
  assert.deepEqual(resizeBilinear(image, whole, 20), image.data);
});

const side = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 700 }));
/** The window's sides, and what of the photo lies around it. */
const cutting = fc.tuple(side, side, fc.nat(9), fc.nat(9), fc.integer({ min: 1, max: 80 }));

test('whatever the sizes, every value is that of the plain loops', {
  timeout: FUZZ_TIMEOUT_MS,
}, () => {
  fc.assert(
    fc.property(cutting, fc.boolean(), ([width, height, left, top, size], isHarsh) => {
      const image = patternImage(left + width + 3, top + height);
      // Black and white alone: sums reach both ends.
      if (isHarsh)
        for (const [at, value] of image.data.entries()) image.data[at] = value & 64 ? 255 : 0;
      const window = { left, top, right: left + width, bottom: top + height };
      assert.deepEqual(resizeBilinear(image, window, size), resizeByLoops(image, window, size));
    }),
    { numRuns: fuzzCases },
  );
});

for (const [what, width, height] of [
  ['a face that fills a large photo, rows first', 1100, 1300],
  ['a face that fills a tall photo, columns first', 700, 2000],
  ['a line of 200,000 pixels', 200_000, 2],
  ['a column of 200,000 pixels', 2, 200_000],
] as const) {
  test(`${what}, is what the plain loops make of it`, () => {
    const image = patternImage(width, height);
    const window = { left: 1, top: 1, right: width, bottom: height };
    assert.deepEqual(resizeBilinear(image, window, 240), resizeByLoops(image, window, 240));
  });
}

test('a result stays as it was when the next one is made', () => {
  const image = patternImage(50, 40);
  const window = { left: 0, top: 0, right: 50, bottom: 40 };
  const first = resizeBilinear(image, window, 24);
  const kept = first.slice();
  resizeBilinear(image, { ...window, left: 20 }, 24);
  assert.deepEqual(first, kept);
});
