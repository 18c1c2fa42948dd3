import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fasterPrecision } from './choice.ts';
import { trialMachineOf } from './timings.ts';

const cpuinfo = `model name\t: A Processor 9\ncpu family\t: 6\nmodel\t\t: 1\nstepping\t: 2\nflags\t\t: fpu avx2 amx_bf16\n`;
const machine = trialMachineOf(cpuinfo, { threads: 1, tensorflow: '2', own: '' }, {});
const none = { own: null, ownBfloat16: null, amx: null };
const choice = (float32: number, bfloat16: number | null, secondLooks?: number) =>
  fasterPrecision({ machine, float32, bfloat16, ...none }, secondLooks);

test('bfloat16 is taken where it is faster with its second looks', () => {
  assert.equal(choice(8, 2).precision, 'bfloat16');
  assert.equal(choice(8, 5.9, 0.2).precision, 'bfloat16');
});

test('second looks in float32 count: a dense gallery makes bfloat16 the slower one', () => {
  assert.equal(choice(8, 5.9, 0.3).precision, 'float32');
  assert.equal(choice(8, 6.5).precision, 'float32');
  assert.equal(choice(8, 2, 1).precision, 'float32');
});

test('float32 is taken where bfloat16 is slower, hardly faster, or does not run', () => {
  assert.equal(choice(8, 10.4, 0).precision, 'float32');
  assert.equal(choice(8, 7.9, 0).precision, 'float32');
  assert.equal(choice(8, null).precision, 'float32');
});

test('whichever is taken, it costs at most a few percent more than the other', () => {
  for (let bfloat16 = 1; bfloat16 < 16; bfloat16 += 0.05) {
    const cost = { float32: 8, bfloat16: bfloat16 + 0.2 * 8 };
    const { precision } = choice(8, bfloat16, 0.2);
    assert.ok(cost[precision] <= 1.04 * Math.min(cost.float32, cost.bfloat16), `${bfloat16}`);
  }
});

test('the reason names what was measured and on which processor', () => {
  assert.match(
    choice(8.04, 2.06, 0.25).reason,
    /^measured: bfloat16 2\.1 ms and 25 % second looks, float32 8\.0 ms, .* on A Processor 9/,
  );
  assert.match(choice(8, null).reason, /bfloat16 does not run on A Processor 9/);
});

test('the faster kernels compute float32, and their time is what bfloat16 must beat', () => {
  const chosen = (own: number | null, bfloat16: number | null) => {
    const timings = { machine, float32: 8, bfloat16, ...none, own };
    const { precision, kernels } = fasterPrecision(timings, 0.2);
    return [precision, kernels.float32];
  };
  assert.deepEqual(chosen(7, null), ['float32', 'own']);
  assert.deepEqual(chosen(9, null), ['float32', 'tensorflow']);
  assert.deepEqual(chosen(null, null), ['float32', 'tensorflow']);
  assert.deepEqual(chosen(7.9, 5.5), ['bfloat16', 'own']);
  assert.deepEqual(chosen(7, 6), ['float32', 'own']);
});

test('the fastest kernels compute bfloat16, the own ones also where TensorFlow has none', () => {
  const chosen = (
    bfloat16: number | null,
    ownBfloat16: number | null,
    amx: number | null = null,
  ) => {
    const timings = { machine, float32: 8, own: 7, bfloat16, ownBfloat16, amx };
    const { precision, kernels } = fasterPrecision(timings, 0.2);
    return [precision, kernels.bfloat16];
  };
  assert.deepEqual(chosen(6, 3.5), ['bfloat16', 'own']);
  assert.deepEqual(chosen(2, 3.5), ['bfloat16', 'tensorflow']);
  assert.deepEqual(chosen(null, 3.5), ['bfloat16', 'own']);
  assert.deepEqual(chosen(6, 5.1), ['bfloat16', 'own']);
  assert.deepEqual(chosen(6, 5.3), ['float32', 'own']);
  assert.deepEqual(chosen(6, null), ['float32', 'tensorflow']);
  assert.deepEqual(chosen(2, 3.5, 1), ['bfloat16', 'amx']);
  assert.deepEqual(chosen(2, 3.5, 2.1), ['bfloat16', 'tensorflow']);
  assert.deepEqual(chosen(4, 3.5, 3.6), ['bfloat16', 'own']);
  assert.deepEqual(chosen(null, null, 3.6), ['bfloat16', 'amx']);
});
