import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FUZZ_TIMEOUT_MS, fuzzCases } from '../../test/fuzz.fixture.ts';
import { clipBoxes, squareBoxes } from '../detect/boxes.ts';
import { cropAreas } from '../detect/crops.ts';
import type { PixelWindow, RgbImage } from '../image/image.ts';
import { resizeBilinear } from '../image/resample.ts';
import { faceWindow } from './align.ts';

const SIZE = 24;
const coordinate = fc.oneof(
  fc.double({ noNaN: true }),
  fc.double({ min: -100, max: 200, noNaN: true }),
  fc.integer({ min: -2, max: 70 }),
);
const box = fc.tuple(coordinate, coordinate, coordinate, coordinate);
const image = fc
  .tuple(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 64 }), fc.nat({ max: 255 }))
  .map(([width, height, shade]): RgbImage => {
    return { width, height, data: new Uint8Array(width * height * 3).fill(shade) };
  });

function lies(window: PixelWindow, { width, height }: RgbImage): void {
  for (const side of Object.values(window)) assert.ok(Number.isInteger(side), `${side}`);
  assert.ok(window.left >= 0 && window.top >= 0);
  assert.ok(window.right <= width && window.bottom <= height);
  assert.ok(window.left < window.right && window.top < window.bottom);
}

test('whatever the box, the face crop lies in the photo, holds a pixel and keeps a plain colour', {
  timeout: FUZZ_TIMEOUT_MS,
}, () => {
  fc.assert(
    fc.property(image, box, (photo, sides) => {
      const window = faceWindow(sides, photo);
      lies(window, photo);
      const face = resizeBilinear(photo, window, SIZE);
      assert.equal(face.length, SIZE * SIZE * 3);
      const shade = photo.data[0] as number;
      assert.ok(face.every((value) => value === shade));
    }),
    { numRuns: fuzzCases },
  );
});

test('whatever the boxes, the crops that are not empty read only pixels of the photo', {
  timeout: FUZZ_TIMEOUT_MS,
}, () => {
  fc.assert(
    fc.property(image, fc.array(box, { minLength: 1, maxLength: 4 }), (photo, sides) => {
      const windows = clipBoxes(
        squareBoxes(Float32Array.from(sides.flat())),
        photo.width,
        photo.height,
      );
      for (let at = 0; at < windows.length; at += 4) {
        const window = windows.subarray(at, at + 4);
        const [left, top, right, bottom] = [...window] as [number, number, number, number];
        if (right <= left || bottom <= top) continue;
        lies({ left, top, right, bottom }, photo);
        const crop = cropAreas(photo, window, SIZE);
        assert.equal(crop.length, SIZE * SIZE * 3);
        const expected = ((photo.data[0] as number) - 127.5) / 128;
        assert.ok(crop.every((value) => Math.abs(value - expected) < 1e-5));
      }
    }),
    { numRuns: fuzzCases },
  );
});
