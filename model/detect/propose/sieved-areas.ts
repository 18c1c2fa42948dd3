/** Rectangles of P-Net's cells that cover all tiles a sieve has marked. Pure. */
import { SIEVE_TILE, type SievedTiles } from '../../networks.ts';

/** Tiles from `left` and `top` up to, not including, `right` and `bottom`. */
interface Area {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/**
 * Joins marked tiles to areas as long as that needs no more blocks. Areas may overlap.
 * @param overlap blocks that an area needs beside its cells, along each side
 */
export function areasOf({ columns, rows, tiles }: SievedTiles, overlap: number): Area[] {
  const done: Area[] = [];
  let open: Area[] = [];
  for (let row = 0; row < rows; row++) {
    const reached: Area[] = [];
    for (const run of runsOf(tiles, columns, row)) {
      let area = run;
      for (const others of [open, reached]) {
        for (let at = others.length - 1; at >= 0; at--) {
          const joined = union(area, others[at]!);
          if (
            blocksOf(joined, overlap) >
            blocksOf(area, overlap) + blocksOf(others[at]!, overlap)
          ) {
            continue;
          }
          area = joined;
          others.splice(at, 1);
        }
      }
      reached.push(area);
    }
    // An area that ends several rows above costs more to extend than it saves.
    for (const area of open) (row + 1 - area.bottom < MOST_GAP ? reached : done).push(area);
    open = reached;
  }
  return [...done, ...open];
}

/** Tiles between two areas that may still be joined. */
const MOST_GAP = 2;

function runsOf(tiles: Uint8Array, columns: number, row: number): Area[] {
  const runs: Area[] = [];
  const from = row * columns;
  for (let left = 0; left < columns; left++) {
    if (tiles[from + left] === 0) continue;
    let right = left + 1;
    while (right < columns && tiles[from + right] === 1) right++;
    runs.push({ left, top: row, right, bottom: row + 1 });
    left = right;
  }
  return runs;
}

function union(one: Area, other: Area): Area {
  return {
    left: Math.min(one.left, other.left),
    top: Math.min(one.top, other.top),
    right: Math.max(one.right, other.right),
    bottom: Math.max(one.bottom, other.bottom),
  };
}

/** Blocks of 2 x 2 pixels from which P-Net answers the area. */
function blocksOf({ left, top, right, bottom }: Area, overlap: number): number {
  return ((right - left) * SIEVE_TILE + overlap) * ((bottom - top) * SIEVE_TILE + overlap);
}
