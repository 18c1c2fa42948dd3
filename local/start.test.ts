import assert from 'node:assert/strict';
import test from 'node:test';
import { fleetSize } from './start.ts';

const GB = 1024 ** 3;

test('a fleet is never under two, so that it can be seen to grow', () => {
  assert.equal(fleetSize({ cores: 1, memoryBytes: GB, threads: 1 }), 2);
  assert.equal(fleetSize({ cores: 2, memoryBytes: 2 * GB, threads: 8 }), 2);
});

test('cores bound it, by the threads of one worker', () => {
  assert.equal(fleetSize({ cores: 8, memoryBytes: 64 * GB, threads: 1 }), 8);
  assert.equal(fleetSize({ cores: 8, memoryBytes: 64 * GB, threads: 2 }), 4);
});

test('memory bounds it where cores are many', () => {
  assert.equal(fleetSize({ cores: 16, memoryBytes: 8 * GB, threads: 1 }), 6);
});

test("a large machine stops at the contract's twenty", () => {
  assert.equal(fleetSize({ cores: 128, memoryBytes: 512 * GB, threads: 1 }), 20);
});
