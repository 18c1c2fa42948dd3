import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detectsWithOneDnn, fastestPrecision, usesOneDnn } from './processor.ts';

const cpuinfo = (flags: string): string =>
  `processor\t: 0\nmodel name\t: a processor\nflags\t\t: ${flags}\nbugs\t\t: spectre_v1\n`;

test('bfloat16 is for processors that multiply it themselves', () => {
  assert.equal(fastestPrecision(cpuinfo('fpu avx2 avx512f amx_bf16 amx_tile')), 'bfloat16');
  assert.equal(fastestPrecision(cpuinfo('fpu avx2 avx512_bf16')), 'bfloat16');
});

test('any other processor, and one that says nothing, takes float32', () => {
  for (const text of [cpuinfo('fpu avx2 avx512f amx_int8'), cpuinfo('xavx512_bf16'), '', 'flags']) {
    assert.equal(fastestPrecision(text), 'float32');
  }
});

test('oneDNN computes where TensorFlow would have it so, or its switch says', () => {
  assert.equal(usesOneDnn(cpuinfo('fpu avx2 avx512f avx512_vnni'), undefined), true);
  assert.equal(usesOneDnn(cpuinfo('fpu avx2 avx512f'), undefined), false);
  assert.equal(usesOneDnn('', undefined), false);
  assert.equal(usesOneDnn(cpuinfo('fpu avx2 avx512f avx512_vnni'), '0'), false);
  assert.equal(usesOneDnn(cpuinfo('fpu avx2'), '1'), true);
});

test('oneDNN detects wherever there is AVX2, unless its switch says otherwise', () => {
  assert.equal(detectsWithOneDnn(cpuinfo('fpu avx2'), undefined), true);
  assert.equal(detectsWithOneDnn(cpuinfo('fpu avx2'), '0'), false);
  assert.equal(detectsWithOneDnn(cpuinfo('fpu avx'), '1'), false);
});
