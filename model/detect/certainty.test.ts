/** What own kernels' answers leave open. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { doubtfulEdges, doubtfulOverlaps, doubtfulScores } from './certainty.ts';

const ranges = (...pairs: readonly (readonly [least: number, most: number])[]) => ({
  least: Float32Array.from(pairs, ([least]) => least),
  most: Float32Array.from(pairs, ([, most]) => most),
  isExact: new Uint8Array(pairs.length),
});

describe('a score is in doubt', () => {
  it('if it may be on either side of the threshold', () => {
    assert.deepEqual(doubtfulScores(ranges([0.69, 0.71], [0.5, 0.6], [0.8, 0.81]), 0.7), [0]);
  });

  it('if another one above the threshold may come before or after it', () => {
    const scores = ranges([0.8, 0.82], [0.9, 0.91], [0.81, 0.83], [0.1, 0.2], [0.15, 0.25]);
    assert.deepEqual(doubtfulScores(scores, 0.7).sort(), [0, 2]);
  });

  it('not if it is certainly equal to another one', () => {
    assert.deepEqual(doubtfulScores(ranges([1, 1], [1, 1], [0.9, 0.9]), 0.7), []);
  });

  it('not once the network has answered', () => {
    const scores = ranges([0.8, 0.8], [0.79, 0.81]);
    assert.deepEqual(doubtfulScores({ ...scores, isExact: Uint8Array.of(1, 0) }, 0.7), [1]);
    assert.deepEqual(doubtfulScores({ ...scores, isExact: Uint8Array.of(1, 1) }, 0.7), []);
  });
});

describe('a box is in doubt', () => {
  it('if a coordinate is as close to a whole pixel as offsets may be off', () => {
    const boxes = Float32Array.of(10.5, 10.5, 110.5, 110.5, 10.5, 20.0002, 110.5, 120.5);
    assert.deepEqual(doubtfulEdges(boxes), [1]);
  });

  it('more easily if it is large', () => {
    assert.deepEqual(doubtfulEdges(Float32Array.of(0.5, 20.002, 40.5, 60.5)), []);
    assert.deepEqual(doubtfulEdges(Float32Array.of(0.5, 20.002, 900.5, 920.5)), [0]);
  });

  it('if it overlaps another one by about the threshold', () => {
    // 7 of 10 lines are shared, 6 of 10, and none.
    const boxes = Float32Array.of(0, 0, 9, 9, 0, 3, 9, 12, 0, 4, 9, 13, 50, 50, 59, 59);
    assert.deepEqual(doubtfulOverlaps(boxes, 0.7), [0, 1]);
  });
});
