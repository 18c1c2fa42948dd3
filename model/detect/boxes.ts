/**
 * The boxes that the detector's three stages exchange, and the arithmetic between stages: regression,
 * squaring, clipping. Everything is rounded to single precision, as in PyTorch: a coordinate that is later
 * truncated must not differ by a rounding. Formulas: Zhang et al. 2016 (MTCNN), as in facenet-pytorch's
 * detect_face.
 */

/** Boxes in pixels of the photo with their face probability; may extend past its edges. */
export interface ScoredBoxes {
  /** [count, 4]: x1, y1, x2, y2 */
  readonly boxes: Float32Array;
  /** [count] */
  readonly scores: Float32Array;
}

const { fround } = Math;

/** The rows `indices` of a matrix with `columns` columns, in that order. */
export function pickRows(
  matrix: Float32Array,
  columns: number,
  indices: ArrayLike<number>,
): Float32Array {
  const picked = new Float32Array(indices.length * columns);
  for (let row = 0; row < indices.length; row++) {
    const from = indices[row]! * columns;
    for (let column = 0; column < columns; column++) {
      picked[row * columns + column] = matrix[from + column]!;
    }
  }
  return picked;
}

/** The rows of several matrices of equal width, one after the other. */
export function joinRows(matrices: readonly Float32Array[]): Float32Array {
  const joined = new Float32Array(matrices.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const matrix of matrices) {
    joined.set(matrix, at);
    at += matrix.length;
  }
  return joined;
}

/**
 * Moves each side by a network's offset, a share of the box's width or height.
 * @param regression [count, 4]: offsets of x1, y1, x2, y2
 * @param border 1 if the network was trained with sizes counted as x2 - x1 + 1, else 0
 */
export function regressBoxes(
  boxes: Float32Array,
  regression: Float32Array,
  border: 0 | 1,
): Float32Array {
  const moved = new Float32Array(boxes.length);
  for (let at = 0; at < boxes.length; at += 4) {
    const width = fround(fround(boxes[at + 2]! - boxes[at]!) + border);
    const height = fround(fround(boxes[at + 3]! - boxes[at + 1]!) + border);
    moved[at] = boxes[at]! + fround(regression[at]! * width);
    moved[at + 1] = boxes[at + 1]! + fround(regression[at + 1]! * height);
    moved[at + 2] = boxes[at + 2]! + fround(regression[at + 2]! * width);
    moved[at + 3] = boxes[at + 3]! + fround(regression[at + 3]! * height);
  }
  return moved;
}

/** Extends the shorter side of each box about its centre until the box is square. */
export function squareBoxes(boxes: Float32Array): Float32Array {
  const square = new Float32Array(boxes.length);
  for (let at = 0; at < boxes.length; at += 4) {
    const width = fround(boxes[at + 2]! - boxes[at]!);
    const height = fround(boxes[at + 3]! - boxes[at + 1]!);
    const side = Math.max(width, height);
    square[at] = fround(boxes[at]! + width * 0.5) - side * 0.5;
    square[at + 1] = fround(boxes[at + 1]! + height * 0.5) - side * 0.5;
    square[at + 2] = square[at]! + side;
    square[at + 3] = square[at + 1]! + side;
  }
  return square;
}

/**
 * The part of each box that is inside the photo, in whole pixels. Coordinates count pixels from 1, both
 * ends included, and are truncated towards zero: the convention the networks were trained with.
 * @returns windows [count, 4]: left, top, right, bottom, the last two exclusive; a window is empty
 *   (right <= left or bottom <= top) if the box is outside the photo
 */
export function clipBoxes(boxes: Float32Array, width: number, height: number): Int32Array {
  const windows = new Int32Array(boxes.length);
  for (let at = 0; at < boxes.length; at += 4) {
    // Clamped on both sides, because an Int32Array wraps numbers beyond 32 bits.
    windows[at] = clampToWhole(boxes[at]!, 1, width + 1) - 1;
    windows[at + 1] = clampToWhole(boxes[at + 1]!, 1, height + 1) - 1;
    windows[at + 2] = clampToWhole(boxes[at + 2]!, 0, width);
    windows[at + 3] = clampToWhole(boxes[at + 3]!, 0, height);
  }
  return windows;
}

function clampToWhole(value: number, least: number, most: number): number {
  return Math.min(Math.max(Math.trunc(value), least), most);
}

/** Width times height of each box, in px². */
export function boxAreas(boxes: Float32Array, border: 0 | 1 = 0): Float32Array {
  const areas = new Float32Array(boxes.length / 4);
  for (let row = 0, at = 0; row < areas.length; row++, at += 4) {
    const width = fround(fround(boxes[at + 2]! - boxes[at]!) + border);
    const height = fround(fround(boxes[at + 3]! - boxes[at + 1]!) + border);
    areas[row] = width * height;
  }
  return areas;
}
