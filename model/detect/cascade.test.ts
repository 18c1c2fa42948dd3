/**
 * The order of the three stages, with networks that answer by the colours they see. What the real
 * networks answer is in recognizer.test.ts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RgbImage } from '../image/image.ts';
import type { Confirmation, ProposalMap, Refinement } from '../networks.ts';
import { detectFaces } from './cascade.ts';

/** A black photo with white squares. */
function squares(
  width: number,
  height: number,
  ...at: [left: number, top: number, side: number][]
): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (const [left, top, side] of at) {
    for (let y = Math.max(top, 0); y < Math.min(top + side, height); y++) {
      const from = Math.max(left, 0);
      const to = Math.min(left + side, width);
      data.fill(255, (y * width + from) * 3, (y * width + to) * 3);
    }
  }
  return { width, height, data };
}

/** Share of white in a square of an image [height, width, 3] of values -1..1. */
function whiteness(
  image: Float32Array,
  width: number,
  [left, top, side]: [number, number, number],
): number {
  let sum = 0;
  for (let y = top; y < top + side; y++) {
    for (let x = left; x < left + side; x++) sum += (image[(y * width + x) * 3]! + 1) / 2;
  }
  return sum / (side * side);
}

/** A face is what is white; none of the networks moves a box. */
class WhiteIsFace {
  readonly calls = { propose: 0, refine: 0, output: 0 };

  propose(image: Float32Array, height: number, width: number): ProposalMap {
    this.calls.propose++;
    const rows = Math.ceil((height - 2) / 2) - 4;
    const columns = Math.ceil((width - 2) / 2) - 4;
    const probability = new Float32Array(rows * columns * 2);
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++) {
        const inside = x * 2 + 12 <= width && y * 2 + 12 <= height;
        const share = inside ? whiteness(image, width, [x * 2, y * 2, 12]) : 0;
        probability[(y * columns + x) * 2 + 1] = share;
      }
    }
    const regression = new Float32Array(rows * columns * 4);
    return { height: rows, width: columns, probability, regression };
  }

  refine(crops: Float32Array, count: number): Refinement {
    this.calls.refine++;
    return this.#judge(crops, count, 24);
  }

  output(crops: Float32Array, count: number): Confirmation {
    this.calls.output++;
    const landmarks = new Float32Array(count * 10);
    for (let row = 0; row < count; row++) {
      landmarks.set([0, 1, 0.5, 0, 1, 0, 0, 0.5, 1, 1], row * 10);
    }
    return { ...this.#judge(crops, count, 48), landmarks };
  }

  #judge(crops: Float32Array, count: number, side: number): Refinement {
    const probability = new Float32Array(count * 2);
    for (let row = 0; row < count; row++) {
      const crop = crops.subarray(row * side * side * 3, (row + 1) * side * side * 3);
      probability[row * 2 + 1] = whiteness(crop, side, [0, 0, side]);
    }
    return { probability, regression: new Float32Array(count * 4) };
  }
}

test('a face is found where it is, with its landmarks spread over its box', () => {
  const [face] = detectFaces(new WhiteIsFace(), squares(160, 120, [60, 40, 48]));
  const [x1, y1, x2, y2] = face!.box;
  assert.ok(x1 > 50 && y1 > 30 && x2 < 118 && y2 < 98, `${face!.box}`);
  assert.ok(face!.probability > 0.7 && face!.probability <= 1);
  // Boxes count pixels from one, with both ends.
  assert.deepEqual(
    face!.landmarks.map((point) => point.map((value) => Math.round(value))),
    [
      [x1 - 1, y1 - 1],
      [x2, y1 - 1],
      [x1 - 1 + (x2 - x1 + 1) / 2, y1 - 1 + (y2 - y1 + 1) / 2],
      [x1 - 1, y2],
      [x2, y2],
    ].map((point) => point.map((value) => Math.round(value))),
  );
});

test('several faces come largest first', () => {
  const photo = squares(300, 200, [20, 20, 30], [120, 40, 100], [240, 140, 50]);
  const faces = detectFaces(new WhiteIsFace(), photo);
  assert.ok(faces.length >= 3);
  const areas = faces.map(({ box: [x1, y1, x2, y2] }) => (x2 - x1) * (y2 - y1));
  assert.deepEqual(
    areas,
    areas.toSorted((a, b) => b - a),
  );
  const [x1, y1, x2, y2] = faces[0]!.box;
  assert.ok(x1 > 100 && y1 > 20 && x2 < 240 && y2 < 160);
});

test('a photo without a face asks neither of the later networks', () => {
  const networks = new WhiteIsFace();
  assert.deepEqual(detectFaces(networks, squares(100, 100)), []);
  assert.ok(networks.calls.propose > 1);
  assert.deepEqual([networks.calls.refine, networks.calls.output], [0, 0]);
});

for (const [width, height] of [
  [1, 1],
  [19, 400],
  [1, 20_000],
] as const) {
  test(`a photo of ${width}x${height} is too small for a face and asks no network`, () => {
    const networks = new WhiteIsFace();
    assert.deepEqual(detectFaces(networks, squares(width, height)), []);
    assert.equal(networks.calls.propose, 0);
  });
}

test('a proposal that was moved out of the photo is dropped, and the others keep their answers', () => {
  class MovesTheFirstAway extends WhiteIsFace {
    override propose(image: Float32Array, height: number, width: number): ProposalMap {
      const map = super.propose(image, height, width);
      for (let y = 0; y < map.height; y++) {
        for (let x = 0; x < map.width / 2; x++) {
          const at = (y * map.width + x) * 4;
          map.regression.fill(50, at, at + 4);
        }
      }
      return map;
    }
  }
  // Every proposal in the left half of the photo is thrown far out, those on the right stay.
  const photo = squares(200, 100, [20, 25, 40], [140, 25, 40]);
  const faces = detectFaces(new MovesTheFirstAway(), photo);
  assert.ok(faces.length >= 1);
  for (const { box, probability } of faces) {
    assert.ok(box[0] > 120, `${box}`);
    assert.ok(probability > 0.7);
  }
});

test('a face at the edge may have a box that reaches beyond it', () => {
  const [face] = detectFaces(new WhiteIsFace(), squares(120, 120, [-6, 30, 60]));
  assert.ok(face !== undefined);
  assert.ok(face.box[0] < 20 && face.box[2] < 80);
});
