/** Faces are cut as the encoder expects them, whatever the box. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compactShape, facenetShape, faceValues } from '../encoder.fixture.ts';
import { patternImage } from '../image/pattern.fixture.ts';
import { resizeBilinear } from '../image/resample.ts';
import { alignFaces, faceWindow } from './align.ts';
import { cutByLandmarks } from './landmarks.ts';

const photo = patternImage(100, 80);

test('a box is cut down to whole pixels', () => {
  assert.deepEqual(faceWindow([10.9, 20.1, 50.9, 60.99], photo), {
    left: 10,
    top: 20,
    right: 50,
    bottom: 60,
  });
});

test('a box beyond the edges is cut to the photo', () => {
  assert.deepEqual(faceWindow([-8.3, -0.2, 130, 95], photo), {
    left: 0,
    top: 0,
    right: 100,
    bottom: 80,
  });
});

for (const box of [
  [110, 90, 120, 99],
  [-20, -20, -5, -5],
  [10.2, 10.2, 10.8, 10.8],
] as const) {
  test(`the box ${box.join(', ')} without a whole pixel still gives one inside the photo`, () => {
    const { left, top, right, bottom } = faceWindow(box, photo);
    assert.deepEqual([right - left, bottom - top], [1, 1]);
    assert.ok(left >= 0 && top >= 0 && right <= photo.width && bottom <= photo.height);
  });
}

const landmarks = [
  [30, 30],
  [50, 28],
  [41, 40],
  [33, 52],
  [49, 50],
] as const;

test('by the box, each face is scaled to the encoder’s size and standardised, one after the other', () => {
  const boxes = [
    [5.5, 6.5, 40.2, 50.1],
    [30, 10, 90, 70],
  ] as const;
  const faces = alignFaces(
    photo,
    boxes.map((box) => ({ box, landmarks })),
    facenetShape,
  );
  const length = faceValues(facenetShape);
  assert.equal(faces.length, 2 * length);
  for (const [index, box] of boxes.entries()) {
    const pixels = resizeBilinear(photo, faceWindow(box, photo), facenetShape.faceSize);
    const expected = Float32Array.from(pixels, (value) => (value - 127.5) / 128);
    assert.deepEqual(faces.subarray(index * length, (index + 1) * length), expected);
  }
});

test('by the landmarks, the box counts for nothing', () => {
  const faces = [[0, 0, 10, 10] as const, [20, 20, 60, 60] as const].map((box) => ({
    box,
    landmarks,
  }));
  const aligned = alignFaces(photo, faces, compactShape);
  const length = faceValues(compactShape);
  assert.equal(aligned.length, 2 * length);
  assert.deepEqual(aligned.subarray(0, length), aligned.subarray(length));
  const pixels = cutByLandmarks(photo, landmarks, compactShape.faceSize);
  const expected = Float32Array.from(pixels, (value) => (value - 127.5) / 128);
  assert.deepEqual(aligned.subarray(0, length), expected);
});
