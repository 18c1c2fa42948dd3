import assert from 'node:assert/strict';
import { test } from 'node:test';
import { usualKernels } from './own-encoder.ts';
import {
  detectsWithOneDnn,
  hasBfloat16Matrices,
  multipliesBfloat16,
  usesOneDnn,
} from './processor.ts';

const cpuinfo = (flags: string): string =>
  `processor\t: 0\nmodel name\t: a processor\nflags\t\t: ${flags}\nbugs\t\t: spectre_v1\n`;

test('bfloat16 is tried on processors that multiply it themselves', () => {
  assert.ok(multipliesBfloat16(cpuinfo('fpu avx2 avx512f amx_bf16 amx_tile')));
  assert.ok(multipliesBfloat16(cpuinfo('fpu avx2 avx512_bf16')));
  assert.ok(hasBfloat16Matrices(cpuinfo('fpu avx2 avx512_bf16 amx_bf16')));
  assert.ok(!hasBfloat16Matrices(cpuinfo('fpu avx2 avx512_bf16')));
});

test('bfloat16 is not tried on any other processor, nor on one that says nothing', () => {
  for (const text of [cpuinfo('fpu avx2 avx512f amx_int8'), cpuinfo('xavx512_bf16'), '', 'flags']) {
    assert.ok(!multipliesBfloat16(text));
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

test('the project’s own kernels compute bfloat16 where there is AVX512_BF16 and no AMX', () => {
  const all = 'avx2 fma avx512f avx512bw avx512vl avx512_bf16';
  assert.equal(usualKernels(cpuinfo(all)).bfloat16, 'own');
  assert.equal(usualKernels(cpuinfo(`${all} amx_bf16`)).bfloat16, 'tensorflow');
  assert.equal(usualKernels(cpuinfo('avx2 fma avx512f')).bfloat16, 'tensorflow');
  assert.equal(usualKernels(cpuinfo(all)).float32, 'own');
});
