/** Which pixels of the photo are averaged into which cells. */

/** px: for each cell along one side, its first pixel and the one after its last. */
export interface Spans {
  // Plain arrays: typed arrays take more memory each, and a photo has thousands of sides.
  readonly first: readonly number[];
  readonly end: readonly number[];
}

/**
 * The spans of cells `from` to `to` of a side of `size` pixels that is divided into `target` cells.
 * @param offset px: where the side begins in the photo
 */
export function spansOf(
  size: number,
  target: number,
  { from = 0, to = target, offset = 0 } = {},
): Spans {
  const first: number[] = [];
  const end: number[] = [];
  for (let index = from; index < to; index++) {
    first.push(offset + Math.floor((index * size) / target));
    end.push(offset + Math.ceil(((index + 1) * size) / target));
  }
  return { first, end };
}

/** Cells to average. At most two rows may share a line, which holds if no side is enlarged. */
export interface AreaGrid {
  readonly columns: Spans;
  readonly rows: Spans;
  /** Index of its values [rows, columns, 3] among all values. */
  readonly at: number;
}

/** The part of the photo that a pass for these grids must read; px. */
export function boundsOf(grids: readonly AreaGrid[]) {
  const least = (spans: Spans[]) => Math.min(...spans.map(({ first }) => first[0]!));
  const most = (spans: Spans[]) => Math.max(...spans.map(({ end }) => end.at(-1)!));
  const columns = grids.map((grid) => grid.columns);
  const rows = grids.map((grid) => grid.rows);
  return { left: least(columns), top: least(rows), right: most(columns), bottom: most(rows) };
}
