import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { stored } from '../write/weights.ts';
import { plainAnswer, roundConvolution, toBfloat16 } from './bfloat16-rounding.ts';
import type { ConvolutionWeights } from './fold-batch-norm.ts';

const INPUTS = 64;
const OUTPUTS = 32;

/** Numbers that any run makes alike, from −1 to 1. */
function numbers(count: number, seed: number): Float32Array {
  let state = seed;
  return new Float32Array(count).map(() => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

const plain = {
  filter: numbers(INPUTS * OUTPUTS, 1),
  filterShape: [1, 1, INPUTS, OUTPUTS],
  // Large beside what comes out, as the stem's are.
  bias: numbers(OUTPUTS, 2).map((value) => 20 * value),
};
const input = {
  scale: Float64Array.from(numbers(INPUTS, 3), (value) => 1 + Math.abs(value)),
  mean: Float64Array.from(numbers(INPUTS, 4), Math.abs),
};

/** What output `o` gives for the mean input, in the network's own size. */
function answer(
  { filter, bias }: ConvolutionWeights,
  o: number,
  scaleIn: (i: number) => number,
  scaleOut = 1,
): number {
  let sum = bias[o]!;
  for (let i = 0; i < INPUTS; i++) sum += filter[i * OUTPUTS + o]! * input.mean[i]! * scaleIn(i);
  return sum / scaleOut;
}

function worst(of: (o: number) => number): number {
  return Math.max(...Array.from({ length: OUTPUTS }, (_, o) => Math.abs(of(o))));
}

describe('rounding a convolution to bfloat16', () => {
  it('gives numbers of bfloat16 only, as the file keeps them', () => {
    const { filter, bias } = roundConvolution(plain, input);
    for (const value of [...filter, ...bias]) assert.equal(toBfloat16(value), value);
    fc.assert(
      fc.property(
        fc.float({
          noNaN: true,
          noDefaultInfinity: true,
          max: Math.fround(1e30),
          min: -Math.fround(1e30),
        }),
        (value) => {
          const bits = stored({ data: Float32Array.of(value) }, 'bfloat16') as Uint16Array;
          const read = new Float32Array(Uint32Array.of(bits[0]! << 16).buffer)[0];
          assert.equal(toBfloat16(value), read);
        },
      ),
    );
  });

  it('leaves the answer to the mean input five times nearer than plain rounding does', () => {
    const exact = (o: number) => answer(plain, o, () => 1);
    const naive = {
      ...plain,
      filter: plain.filter.map(toBfloat16),
      bias: plain.bias.map(toBfloat16),
    };
    const rounded = roundConvolution(plain, input);
    const before = worst((o) => answer(naive, o, () => 1) - exact(o));
    const now = worst(
      (o) => answer(rounded, o, (i) => input.scale[i]!, rounded.scale[o]!) - exact(o),
    );
    assert.ok(before > 0.02, `${before}`);
    assert.ok(now < before / 5, `${now} of ${before}`);
  });

  it('keeps the bias as it was before, by which the mean input is answered exactly', () => {
    const { exactBias, bias, ...rounded } = roundConvolution(plain, input);
    const off = (o: number) =>
      answer({ ...rounded, bias: exactBias }, o, (i) => input.scale[i]!, rounded.scale[o]!) -
      answer(plain, o, () => 1);
    assert.ok(worst(off) < 2e-6, `${worst(off)}`);
    assert.ok(worst((o) => bias[o]! - exactBias[o]!) > 1e-5);
  });

  it('keeps the scale of outputs that are added to others', () => {
    const given = new Float64Array(OUTPUTS).fill(1.5);
    const { scale, bias } = roundConvolution(
      plain,
      { ...input, mean: new Float64Array(INPUTS) },
      given,
    );
    assert.deepEqual(scale, given);
    for (const [o, value] of bias.entries()) assert.equal(value, toBfloat16(plain.bias[o]! * 1.5));
  });
});

it('a plain image is answered as a convolution answers it far from the border', () => {
  const filter = Float32Array.from({ length: 3 * 3 * 2 * 3 }, (_, at) => at % 7);
  const weights = { filter, filterShape: [3, 3, 2, 3], bias: Float32Array.of(1, -2, 0.5) };
  const plain = Float64Array.of(0.5, -3);
  const sums = [...weights.bias];
  for (let tap = 0; tap < 9; tap++) {
    for (let i = 0; i < 2; i++) {
      for (let o = 0; o < 3; o++) sums[o]! += filter[(tap * 2 + i) * 3 + o]! * plain[i]!;
    }
  }
  assert.deepEqual([...plainAnswer(weights, plain)], sums);
});
