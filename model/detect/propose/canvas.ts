/**
 * Lays strips out on canvases of a few sizes: a network compiles kernels for each size of input, and is
 * faster on one large input than on many small ones.
 */

export interface Rectangle {
  readonly width: number;
  readonly height: number;
}

export interface Canvas<Strip extends Rectangle> extends Rectangle {
  readonly placed: readonly Placed<Strip>[];
}

/** Some rows of a strip, and where the first of them is placed on its canvas. */
export interface Placed<Strip extends Rectangle> {
  readonly strip: Strip;
  readonly from: number;
  readonly rows: number;
  readonly left: number;
  readonly top: number;
}

/** The longest side of a canvas. */
export const CANVAS_SIDE = 133;

/** Smallest first: the first size that holds all that is left is used, otherwise the largest. */
const SIZES: readonly Rectangle[] = [
  { width: 37, height: 37 },
  { width: 69, height: 69 },
  { width: 101, height: 69 },
  { width: CANVAS_SIDE, height: 69 },
  { width: CANVAS_SIDE, height: 85 },
  { width: CANVAS_SIDE, height: 101 },
  { width: CANVAS_SIDE, height: 117 },
  { width: CANVAS_SIDE, height: CANVAS_SIDE },
];

/** The rows of a strip that are not placed yet: from row `from` on. */
interface Leftover<Strip extends Rectangle> {
  readonly strip: Strip;
  readonly from: number;
}

/**
 * @param overlap rows that both parts need if a strip is cut
 * @throws {RangeError} when a strip is wider than every canvas
 */
export function layOut<Strip extends Rectangle>(
  strips: readonly Strip[],
  overlap: number,
): Canvas<Strip>[] {
  if (strips.some(({ width }) => width > CANVAS_SIDE)) {
    throw new RangeError(`A strip is at most ${CANVAS_SIDE} wide.`);
  }
  const widestFirst = [...strips].sort((a, b) => b.width - a.width || b.height - a.height);
  let leftovers: Leftover<Strip>[] = widestFirst.map((strip) => ({ strip, from: 0 }));
  const canvases: Canvas<Strip>[] = [];
  while (leftovers.length > 0) {
    let filled: Filled<Strip> | undefined;
    for (const size of SIZES) {
      filled = fill(leftovers, size, overlap);
      if (filled.leftovers.length === 0) break;
    }
    canvases.push(filled!.canvas);
    leftovers = filled!.leftovers;
  }
  return canvases;
}

interface Filled<Strip extends Rectangle> {
  readonly canvas: Canvas<Strip>;
  readonly leftovers: Leftover<Strip>[];
}

/**
 * Fills the canvas column by column, each as wide as the widest strip that fits, and places strips of that
 * width or less below each other in it; the last strip of a column is cut.
 */
function fill<Strip extends Rectangle>(
  strips: readonly Leftover<Strip>[],
  { width, height }: Rectangle,
  overlap: number,
): Filled<Strip> {
  const leftovers = [...strips];
  const placed: Placed<Strip>[] = [];
  for (let left = 0; ; ) {
    const column = leftovers.find(({ strip }) => strip.width <= width - left)?.strip.width;
    if (column === undefined) return { canvas: { width, height, placed }, leftovers };
    for (let top = 0; ; ) {
      const room = height - top;
      const next = leftovers.findIndex(
        ({ strip, from }) =>
          strip.width <= column && (strip.height - from <= room || room >= 2 * overlap),
      );
      if (next < 0) break;
      const { strip, from } = leftovers[next]!;
      const rows = Math.min(strip.height - from, room);
      placed.push({ strip, from, rows, left, top });
      if (from + rows === strip.height) leftovers.splice(next, 1);
      else leftovers[next] = { strip, from: from + rows - overlap };
      top += rows;
    }
    left += column;
  }
}
