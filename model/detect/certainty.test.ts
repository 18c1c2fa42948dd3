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

/** Every row with every other. */
function doubtfulByPairs({ least, most }: ReturnType<typeof ranges>, limit: number): number[] {
  const rows = [...most.keys()].filter((row) => most[row]! > limit);
  return rows.filter(
    (one) =>
      least[one]! <= limit ||
      rows.some(
        (other) =>
          other !== one &&
          most[other]! >= least[one]! &&
          most[one]! >= least[other]! &&
          (least[one] !== most[one] || least[other] !== most[other]),
      ),
  );
}

describe('scores in doubt', () => {
  it('are those that a comparison of all pairs finds', () => {
    let seed = 1;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    for (let round = 0; round < 300; round++) {
      const pairs = Array.from({ length: random(12) }, () => {
        const least = random(24);
        return [least / 32, (least + random(2) * random(4)) / 32] as const;
      });
      const scores = ranges(...pairs);
      const found = doubtfulScores(scores, 0.25).sort((a, b) => a - b);
      assert.deepEqual(found, doubtfulByPairs(scores, 0.25), JSON.stringify(pairs));
    }
  });

  it('are found among a million equal ones too', () => {
    const count = 1_000_000;
    const [least, most] = [new Float32Array(count).fill(0.8), new Float32Array(count).fill(0.9)];
    const isExact = new Uint8Array(count);
    assert.equal(doubtfulScores({ least, most, isExact }, 0.7).length, count);
    assert.equal(doubtfulScores({ least, most: least, isExact }, 0.7).length, 0);
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

  it('wherever it stands among the others', () => {
    const boxes = Float32Array.of(50, 50, 59, 59, 3, 0, 12, 9, -40, 0, -31, 9, 0, 0, 9, 9);
    assert.deepEqual(doubtfulOverlaps(boxes, 0.7).sort(), [1, 3]);
  });
});
