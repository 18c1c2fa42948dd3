import assert from 'node:assert/strict';
import { test } from 'node:test';
import { releaseMemory } from './image.ts';

test('memory that is given back is gone at once', () => {
  const before = process.memoryUsage().arrayBuffers;
  const values = new Float32Array(25e6);
  assert.ok(process.memoryUsage().arrayBuffers - before >= 99e6);
  releaseMemory(values);
  assert.equal(values.length, 0);
  assert.ok(process.memoryUsage().arrayBuffers - before < 1e6);
});

test('memory of which others hold a part stays', () => {
  const whole = new Uint8Array(100).fill(7);
  releaseMemory(whole.subarray(0, 50));
  releaseMemory(whole.subarray(50));
  assert.equal(whole[99], 7);
});
