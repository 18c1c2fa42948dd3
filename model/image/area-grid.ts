/** Which pixels of the photo become which cells. Knows no pixel's value. */

/** px: of each cell along one side, its first pixel and the one after its last. */
export interface Spans {
  // Not typed arrays: each of those takes memory of its own, and a photo has thousands of sides.
  readonly first: readonly number[];
  readonly end: readonly number[];
}

/**
 * The spans of cells `from` to `to` of a side of `size` pixels in `target` cells.
 * @param offset px, where the side begins in the photo
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

/** Cells of areas that become pixels. At most two rows may share a line, as where no side is enlarged. */
export interface AreaGrid {
  readonly columns: Spans;
  readonly rows: Spans;
  /** Where its [rows, columns, 3] begin among all values. */
  readonly at: number;
}

/** The part of the photo that a pass for these grids goes over; px. */
export function boundsOf(grids: readonly AreaGrid[]) {
  const least = (spans: Spans[]) => Math.min(...spans.map(({ first }) => first[0]!));
  const most = (spans: Spans[]) => Math.max(...spans.map(({ end }) => end.at(-1)!));
  const columns = grids.map((grid) => grid.columns);
  const rows = grids.map((grid) => grid.rows);
  return { left: least(columns), top: least(rows), right: most(columns), bottom: most(rows) };
}
