/**
 * Strips side by side on canvases of few sizes: a network prepares kernels for each size that it is given,
 * and takes one large input faster than many small ones. Knows not what is drawn on them.
 */

export interface Rectangle {
  readonly width: number;
  readonly height: number;
}

export interface Canvas<Strip extends Rectangle> extends Rectangle {
  readonly placed: readonly Placed<Strip>[];
}

/** Some rows of a strip, and where the first of them begins on its canvas. */
export interface Placed<Strip extends Rectangle> {
  readonly strip: Strip;
  readonly from: number;
  readonly rows: number;
  readonly left: number;
  readonly top: number;
}

/** The longest side of a canvas. */
export const CANVAS_SIDE = 133;

/** Smallest first: the first that holds all that is left is taken, else the last. */
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

/** What is left of a strip. */
interface Rest<Strip extends Rectangle> {
  readonly strip: Strip;
  readonly from: number;
}

/**
 * @param overlap rows that both parts of a strip need, where one is cut
 * @throws {RangeError} for a strip that is wider than any canvas
 */
export function layOut<Strip extends Rectangle>(
  strips: readonly Strip[],
  overlap: number,
): Canvas<Strip>[] {
  if (strips.some(({ width }) => width > CANVAS_SIDE)) {
    throw new RangeError(`A strip is at most ${CANVAS_SIDE} wide.`);
  }
  const widestFirst = [...strips].sort((a, b) => b.width - a.width || b.height - a.height);
  let rest: Rest<Strip>[] = widestFirst.map((strip) => ({ strip, from: 0 }));
  const canvases: Canvas<Strip>[] = [];
  while (rest.length > 0) {
    let filled: Filled<Strip> | undefined;
    for (const size of SIZES) {
      filled = fill(rest, size, overlap);
      if (filled.rest.length === 0) break;
    }
    canvases.push(filled!.canvas);
    rest = filled!.rest;
  }
  return canvases;
}

interface Filled<Strip extends Rectangle> {
  readonly canvas: Canvas<Strip>;
  readonly rest: Rest<Strip>[];
}

/**
 * Column after column, each as wide as the widest strip that still fits, and under it what is as wide or
 * less; the last one of a column is cut.
 */
function fill<Strip extends Rectangle>(
  strips: readonly Rest<Strip>[],
  { width, height }: Rectangle,
  overlap: number,
): Filled<Strip> {
  const rest = [...strips];
  const placed: Placed<Strip>[] = [];
  for (let left = 0; ; ) {
    const column = rest.find(({ strip }) => strip.width <= width - left)?.strip.width;
    if (column === undefined) return { canvas: { width, height, placed }, rest };
    for (let top = 0; ; ) {
      const room = height - top;
      const next = rest.findIndex(
        ({ strip, from }) =>
          strip.width <= column && (strip.height - from <= room || room >= 2 * overlap),
      );
      if (next < 0) break;
      const { strip, from } = rest[next]!;
      const rows = Math.min(strip.height - from, room);
      placed.push({ strip, from, rows, left, top });
      if (from + rows === strip.height) rest.splice(next, 1);
      else rest[next] = { strip, from: from + rows - overlap };
      top += rows;
    }
    left += column;
  }
}
