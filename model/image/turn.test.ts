import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DetectedFace } from '../detect/faces.ts';
import type { RgbImage } from './image.ts';
import { faceBeforeTurn, type QuarterTurn, turnImage } from './turn.ts';

/** Two rows of three pixels, each of one value. */
const photo: RgbImage = imageOf(3, [1, 2, 3, 4, 5, 6]);
const TURNS: readonly QuarterTurn[] = [0, 90, 180, 270];

function imageOf(width: number, values: readonly number[]): RgbImage {
  const data = Uint8Array.from(values.flatMap((value) => [value, value + 10, value + 20]));
  return { width, height: values.length / width, data };
}

test('a photo is turned clockwise, pixel by pixel', () => {
  assert.equal(turnImage(photo, 0), photo);
  assert.deepEqual(turnImage(photo, 90), imageOf(2, [4, 1, 5, 2, 6, 3]));
  assert.deepEqual(turnImage(photo, 180), imageOf(3, [6, 5, 4, 3, 2, 1]));
  assert.deepEqual(turnImage(photo, 270), imageOf(2, [3, 6, 2, 5, 1, 4]));
});

test('a turn and its opposite give the photo again', () => {
  for (const turn of TURNS) {
    const opposite = ((360 - turn) % 360) as QuarterTurn;
    assert.deepEqual(turnImage(turnImage(photo, turn), opposite), photo);
  }
});

test('a face of the turned photo lies on the same pixels before the turn', () => {
  // The upper left pixel of each turned photo, and the pixel on its right as the right eye.
  const face: DetectedFace = {
    box: [0, 0, 1, 1],
    probability: 0.9,
    landmarks: [
      [0.5, 0.5],
      [1.5, 0.5],
      [0.5, 0.5],
      [0.5, 0.5],
      [0.5, 0.5],
    ],
  };
  const expected: Record<QuarterTurn, [pixel: number, rightEye: number]> = {
    0: [1, 2],
    90: [4, 1],
    180: [6, 5],
    270: [3, 6],
  };
  const valueAt = (x: number, y: number): number =>
    photo.data[(Math.floor(y) * photo.width + Math.floor(x)) * 3]!;
  for (const turn of TURNS) {
    const { box, landmarks, probability } = faceBeforeTurn(face, photo, turn);
    const [pixel, rightEye] = expected[turn];
    assert.equal(valueAt((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), pixel);
    assert.deepEqual([box[2] - box[0], box[3] - box[1]], [1, 1]);
    assert.equal(valueAt(...landmarks[0]), pixel);
    assert.equal(valueAt(...landmarks[1]), rightEye);
    assert.equal(probability, 0.9);
  }
});
