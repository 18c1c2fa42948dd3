import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  batchNormTransform,
  biasTransform,
  foldConvolution,
  foldDense,
  widthFirst,
} from './fold-batch-norm.ts';

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-6, `${actual} is not near ${expected}`);

test('batch norm is folded as computed by hand', () => {
  // (x − 3) / sqrt(0.999 + 0.001) · 2 + 1 = 2 x − 5
  const { scale, shift } = batchNormTransform(
    {
      weight: Float32Array.of(2),
      bias: Float32Array.of(1),
      mean: Float32Array.of(3),
      variance: Float64Array.of(0.999),
    },
    1e-3,
  );
  near(scale[0]!, 2);
  near(shift[0]!, -5);
});

test('a convolution with batch norm gives what the two give one after the other', () => {
  // Two outputs, one input, a kernel of 1 x 2.
  const weight = Float32Array.of(1, 2, 3, 4);
  const norm = {
    weight: Float32Array.of(0.5, -1),
    bias: Float32Array.of(0.25, 4),
    mean: Float32Array.of(-1, 2),
    variance: Float32Array.of(0.25, 9),
  };
  const folded = foldConvolution(weight, [2, 1, 1, 2], batchNormTransform(norm, 1e-3));
  assert.deepEqual(folded.filterShape, [1, 2, 1, 2]);
  const patch = [0.7, -0.3];
  for (const output of [0, 1]) {
    const product = patch[0]! * weight[output * 2]! + patch[1]! * weight[output * 2 + 1]!;
    const deviation = Math.sqrt(norm.variance[output]! + 1e-3);
    const expected =
      ((product - norm.mean[output]!) / deviation) * norm.weight[output]! + norm.bias[output]!;
    const actual =
      patch[0]! * folded.filter[output]! +
      patch[1]! * folded.filter[2 + output]! +
      folded.bias[output]!;
    near(actual, expected);
  }
});

test('a residual scale reaches weight and bias', () => {
  const folded = foldConvolution(
    Float32Array.of(10, 20),
    [2, 1, 1, 1],
    biasTransform(Float32Array.of(1, -1), 0.5),
  );
  assert.deepEqual([...folded.filter], [5, 10]);
  assert.deepEqual([...folded.bias], [0.5, -0.5]);
});

test('filters go from out, in, height, width to height, width, in, out', () => {
  const shape = [2, 3, 4, 5] as const;
  const weight = Float32Array.from({ length: 120 }, (_, at) => at);
  const { filter, filterShape } = foldConvolution(
    weight,
    shape,
    biasTransform(new Float32Array(2)),
  );
  assert.deepEqual(filterShape, [4, 5, 3, 2]);
  const at = ([o, i, y, x]: number[]) => ((y! * 5 + x!) * 3 + i!) * 2 + o!;
  assert.equal(filter[at([1, 2, 3, 4])], 119);
  assert.equal(filter[at([0, 0, 0, 1])], 1);
  assert.equal(filter[at([0, 1, 0, 0])], 20);
  assert.equal(filter[at([1, 0, 2, 3])], 60 + 13);
});

test('a layer after a flattening reads each value where the graph puts it', () => {
  // One output that weighs every value by its place in PyTorch's order, for a 2 x 3 map of 4 channels.
  const [height, width, channels] = [2, 3, 4];
  const weight = Float32Array.from({ length: height * width * channels }, (_, at) => at);
  const { matrix } = foldDense(
    weight,
    [1, weight.length],
    biasTransform(new Float32Array(1)),
    widthFirst(height, width, channels),
  );
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        assert.equal(matrix[(y * width + x) * channels + c], (x * height + y) * channels + c);
      }
    }
  }
});

test('the order after a flattening is a permutation for any size', () => {
  const side = fc.integer({ min: 1, max: 7 });
  fc.assert(
    fc.property(side, side, side, (height, width, channels) => {
      const place = widthFirst(height, width, channels);
      const count = height * width * channels;
      const places = new Set(Array.from({ length: count }, (_, row) => place(row)));
      assert.equal(places.size, count);
      assert.equal(Math.max(...places), count - 1);
    }),
  );
});
