/** Which pixels of the photo are averaged into which cells. */

/** Cells `from` up to `to` of a side of `size` pixels that is divided into `target` cells. */
export interface GridSide {
  readonly size: number;
  readonly target: number;
  readonly from: number;
  readonly to: number;
  /** px: where the side begins in the photo */
  readonly offset: number;
}

/** A side of `size` pixels in `target` cells, or some of them. */
export function gridSide(
  size: number,
  target: number,
  { from = 0, to = target, offset = 0 } = {},
): GridSide {
  return { size, target, from, to, offset };
}

/** The first pixel of a side. */
function firstOf({ size, target, from, offset }: GridSide): number {
  return offset + Math.floor((from * size) / target);
}

/** The pixel after a side's last one. */
function endOf({ size, target, to, offset }: GridSide): number {
  return offset + Math.ceil((to * size) / target);
}

/** px: for each cell along one side, its first pixel and the one after its last. */
export interface Spans {
  // Plain arrays: typed arrays take more memory each, and a photo has thousands of sides.
  readonly first: readonly number[];
  readonly end: readonly number[];
}

export function spansOf({ size, target, from, to, offset }: GridSide): Spans {
  const first: number[] = [];
  const end: number[] = [];
  for (let index = from; index < to; index++) {
    first.push(offset + Math.floor((index * size) / target));
    end.push(offset + Math.ceil(((index + 1) * size) / target));
  }
  return { first, end };
}

/** Cells to average. */
export interface AreaGrid {
  readonly columns: GridSide;
  readonly rows: GridSide;
  /** Index of its values [rows, columns, 3] among all values. */
  readonly at: number;
}

/** The same with the pixels of each cell. At most two rows may share a line, which holds if no side is enlarged. */
export interface SpannedGrid {
  readonly columns: Spans;
  readonly rows: Spans;
  readonly at: number;
}

export function spanned({ columns, rows, at }: AreaGrid): SpannedGrid {
  return { columns: spansOf(columns), rows: spansOf(rows), at };
}

/** The part of the photo that a pass for these grids must read; px. */
export function boundsOf(grids: readonly AreaGrid[]) {
  const columns = grids.map((grid) => grid.columns);
  const rows = grids.map((grid) => grid.rows);
  return {
    left: Math.min(...columns.map(firstOf)),
    top: Math.min(...rows.map(firstOf)),
    right: Math.max(...columns.map(endOf)),
    bottom: Math.max(...rows.map(endOf)),
  };
}
