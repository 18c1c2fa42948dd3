/** Marked tiles become few areas that cover all of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SIEVE_TILE } from '../../networks.ts';
import { areasOf } from './sieved-areas.ts';

const OVERLAP = 5;

/** @param picture a line for each row, # where a tile is marked */
function areasIn(picture: readonly string[]) {
  const tiles = Uint8Array.from([...picture.join('')], (sign) => (sign === '#' ? 1 : 0));
  return areasOf({ columns: picture[0]!.length, rows: picture.length, tiles }, OVERLAP);
}

describe('areas of marked tiles', () => {
  it('are none where nothing is marked', () => {
    assert.deepEqual(areasIn(['....', '....']), []);
  });

  it('are one for tiles that touch, and two for tiles far apart', () => {
    assert.deepEqual(areasIn(['.##.', '.##.', '..#.']), [{ left: 1, top: 0, right: 3, bottom: 3 }]);
    assert.deepEqual(areasIn(['#......#', '........']), [
      { left: 0, top: 0, right: 1, bottom: 1 },
      { left: 7, top: 0, right: 8, bottom: 1 },
    ]);
  });

  it('are one for tiles so close that two would need more blocks', () => {
    assert.deepEqual(areasIn(['#.#']), [{ left: 0, top: 0, right: 3, bottom: 1 }]);
    assert.deepEqual(areasIn(['#', '.', '#']), [{ left: 0, top: 0, right: 1, bottom: 3 }]);
  });

  it('cover every marked tile with no more blocks than the tiles by themselves need', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const [columns, rows] = [5 + (seed % 40), 3 + (seed % 23)];
      let state = seed;
      const tiles = Uint8Array.from({ length: columns * rows }, () => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return state / 2 ** 32 < (seed % 10) / 12 ? 1 : 0;
      });
      const areas = areasOf({ columns, rows, tiles }, OVERLAP);
      let blocks = 0;
      const covered = new Uint8Array(tiles.length);
      for (const { left, top, right, bottom } of areas) {
        assert.ok(left >= 0 && top >= 0 && right <= columns && bottom <= rows);
        blocks += ((right - left) * SIEVE_TILE + OVERLAP) * ((bottom - top) * SIEVE_TILE + OVERLAP);
        for (let y = top; y < bottom; y++) covered.fill(1, y * columns + left, y * columns + right);
      }
      const marked = tiles.reduce((sum, tile) => sum + tile, 0);
      assert.ok(
        tiles.every((tile, at) => tile <= covered[at]!),
        `seed ${seed}`,
      );
      assert.ok(blocks <= marked * (SIEVE_TILE + OVERLAP) ** 2, `seed ${seed}`);
    }
  });
});
