/** Scales and pixels of the pyramid pinned to facenet-pytorch's loop and PyTorch's 'area' resize. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patternImage } from '../image/pattern.fixture.ts';
import { buildLevelParts, buildPyramid, MAX_LEVEL_PIXELS, pyramidScales } from './pyramid.ts';

const absoluteSum = (values: Float32Array): number =>
  values.reduce((sum, value) => sum + Math.abs(value), 0);

/** (interpolate(pattern, size, mode='area') - 127.5) / 128 of a photo of 90x70. */
const pinned = [
  [0.6, 55, 43, [-0.6210938, -0.34375, -0.4609375], 1337.8849847614765],
  [0.42539999999999994, 39, 30, [-0.1046007, -0.2686632, -0.1063368], 534.1488745212555],
  [0.30160859999999995, 28, 22, [-0.1113281, -0.2578125, 0.1953125], 218.99734318256378],
  [0.21384049739999994, 20, 15, [0.0257813, -0.2210938, 0.1889063], 76.50343841314316],
] as const;

test('every level has the size and the averaged pixels that PyTorch gives', () => {
  const levels = buildPyramid(patternImage(90, 70), pyramidScales(90, 70, 20, 0.709));
  assert.equal(levels.length, pinned.length);
  for (const [index, [scale, width, height, first, sum]] of pinned.entries()) {
    const level = levels[index]!;
    assert.deepEqual([level.scale, level.width, level.height], [scale, width, height]);
    for (const [at, value] of first.entries()) {
      assert.ok(Math.abs(level.data[at]! - value) < 1e-6, `${level.data[at]} is not ${value}`);
    }
    assert.ok(Math.abs(absoluteSum(level.data) - sum) < 1e-3);
  }
});

test('a part of a level has the pixels that the whole level has there', () => {
  const image = patternImage(90, 70);
  const windows = [
    { left: 0, top: 0, right: 20, bottom: 12 },
    { left: 10, top: 6, right: 39, bottom: 30 },
    { left: 26, top: 18, right: 38, bottom: 30 },
  ];
  const whole = buildPyramid(image, [0.4254])[0]!.data.slice();
  const parts = windows.map((window) => ({ scale: 0.4254, window }));
  for (const [index, part] of buildLevelParts(image, parts).entries()) {
    const { left, top, right, bottom } = windows[index]!;
    assert.deepEqual([part.left, part.top], [left, top]);
    for (let y = top; y < bottom; y++) {
      const row = whole.subarray((y * 39 + left) * 3, (y * 39 + right) * 3);
      const from = (y - top) * part.width * 3;
      assert.deepEqual(part.data.subarray(from, from + part.width * 3), row);
    }
  }
});

test('an evenly coloured photo keeps its colour at every scale', () => {
  const [width, height] = [211, 97];
  const data = new Uint8Array(width * height * 3);
  for (let at = 0; at < data.length; at += 3) data.set([255, 64, 0], at);
  const scales = pyramidScales(width, height, 20, 0.709);
  for (const level of buildPyramid({ width, height, data }, scales)) {
    for (let at = 0; at < level.data.length; at += 3) {
      assert.ok(Math.abs(level.data[at]! - 127.5 / 128) < 1e-6);
      assert.ok(Math.abs(level.data[at + 1]! + 63.5 / 128) < 1e-6);
      assert.ok(Math.abs(level.data[at + 2]! + 127.5 / 128) < 1e-6);
    }
  }
});

test('after a huge photo, the levels of the next ones are their own', () => {
  const [image, scales] = [patternImage(90, 70), [0.6, 0.4254]];
  const before = buildPyramid(image, scales).map(({ data }) => data.slice());
  // 6 million pixels take more memory than is kept.
  const huge = { width: 3000, height: 2000, data: new Uint8Array(18_000_000).fill(9) };
  const [level] = buildPyramid(huge, [1]);
  assert.ok(level!.data.every((value) => value === (9 - 127.5) / 128));
  for (const _ of [1, 2]) {
    const levels = buildPyramid(image, scales);
    assert.deepEqual(
      levels.map(({ data }) => data),
      before,
    );
  }
});

test('sums beyond 32 bits do no harm', () => {
  // 20 million white pixels add up to 5.1e9 a channel.
  const [width, height] = [10_000, 2_000];
  const data = new Uint8Array(width * height * 3).fill(255);
  const [level] = buildPyramid({ width, height, data }, [0.01]);
  assert.deepEqual([level!.width, level!.height], [101, 21]);
  assert.ok(level!.data.every((value) => Math.abs(value - 127.5 / 128) < 1e-6));
});

test('a photo too small or too narrow for a face of 20 pixels has no scales', () => {
  assert.deepEqual(pyramidScales(1, 1, 20, 0.709), []);
  assert.deepEqual(pyramidScales(19, 500, 20, 0.709), []);
  assert.deepEqual(pyramidScales(1, 20_000, 20, 0.709), []);
  assert.deepEqual(pyramidScales(20, 20, 20, 0.709), [0.6]);
});

test('a huge photo starts at a coarser scale, on the same ladder', () => {
  const all = pyramidScales(3000, 3000, 20, 0.709);
  const bounded = pyramidScales(8192, 6144, 20, 0.709);
  assert.equal(all[0], 0.6);
  assert.ok(bounded[0]! ** 2 * 8192 * 6144 < MAX_LEVEL_PIXELS);
  assert.ok(all.includes(bounded[0]!));
  // A phone's 12 megapixels are still seen at the finest scale.
  assert.equal(pyramidScales(4032, 3024, 20, 0.709)[0], 0.6);
});
