/**
 * The photo at every scale that P-Net looks at, made by averaging areas (PyTorch's adaptive average
 * pooling) in one pass over the photo. Knows nothing of boxes.
 */
import type { PixelWindow, RgbImage } from '../image.ts';
import { PROPOSAL_FIELD } from './proposals.ts';

/** A scaled photo, or a part of one, ready for P-Net. */
export interface Level {
  /** size of this level over the photo's */
  readonly scale: number;
  /** Where the part begins in the whole level, px; even. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** [height, width, 3], (x - 127.5) / 128 */
  readonly data: Float32Array;
}

/**
 * P-Net takes some 90 bytes a pixel: the finest scales of a photo of over 12 megapixels are left out,
 * so that a huge photo loses its tiniest faces instead of taking gigabytes.
 */
export const MAX_LEVEL_PIXELS = 4_500_000;

/**
 * The scales at which faces of `minFaceSize` pixels and more fill P-Net's field, finest first, each
 * `factor` times the one before, until the photo's shorter side no longer holds a field.
 */
export function pyramidScales(
  width: number,
  height: number,
  minFaceSize: number,
  factor: number,
): number[] {
  const scales: number[] = [];
  let scale = PROPOSAL_FIELD / minFaceSize;
  let shorterSide = Math.min(width, height) * scale;
  while (shorterSide >= PROPOSAL_FIELD) {
    const pixels = levelSide(width, scale) * levelSide(height, scale);
    if (pixels <= MAX_LEVEL_PIXELS) scales.push(scale);
    scale *= factor;
    shorterSide *= factor;
  }
  return scales;
}

function levelSide(side: number, scale: number): number {
  return Math.trunc(side * scale + 1);
}

/** A level's size, px. */
export function levelSize({ width, height }: RgbImage, scale: number): PixelWindow {
  return { left: 0, top: 0, right: levelSide(width, scale), bottom: levelSide(height, scale) };
}

/** The photo at every one of these scales. */
export function buildPyramid(image: RgbImage, scales: readonly number[]): Level[] {
  return buildParts(
    image,
    scales.map((scale) => ({ scale, window: levelSize(image, scale) })),
  );
}

/** A window of a level, px of that level. */
export interface LevelPart {
  readonly scale: number;
  readonly window: PixelWindow;
}

/**
 * Averages the photo's pixels into parts of levels. One running row of the photo's summed-area table
 * serves them all: a part takes from it the sums above each of its rows and subtracts them when the
 * row's last line has come by.
 */
export function buildParts(image: RgbImage, parts: readonly LevelPart[]): Level[] {
  const growing = parts.map((part) => new GrowingLevel(image, part));
  const first = growing.reduce((least, { lines }) => Math.min(least, lines.top), image.height);
  const last = growing.reduce((most, { lines }) => Math.max(most, lines.bottom), 0);
  const left = growing.reduce((least, { lines }) => Math.min(least, lines.left), image.width);
  const right = growing.reduce((most, { lines }) => Math.max(most, lines.right), 0);
  // Sums wrap around at 2^32: only differences count, and those stay below 2^31.
  const table = new Int32Array((image.width + 1) * 3);
  for (let y = first; y < last; y++) {
    for (const level of growing) level.before(y, table);
    addRow(table, image.data, (y * image.width + left) * 3, left * 3, (right - left) * 3);
    for (const level of growing) level.after(y, table);
  }
  return growing.map(({ scale, window: { left, top }, width, height, data }) => {
    return { scale, left, top, width, height, data };
  });
}

function addRow(
  table: Int32Array,
  data: Uint8Array,
  from: number,
  to: number,
  length: number,
): void {
  let red = 0;
  let green = 0;
  let blue = 0;
  for (let at = 0; at < length; at += 3) {
    red = (red + data[from + at]!) | 0;
    green = (green + data[from + at + 1]!) | 0;
    blue = (blue + data[from + at + 2]!) | 0;
    table[to + at + 3] = (table[to + at + 3]! + red) | 0;
    table[to + at + 4] = (table[to + at + 4]! + green) | 0;
    table[to + at + 5] = (table[to + at + 5]! + blue) | 0;
  }
}

/** One part of a level while the photo's rows come by. */
class GrowingLevel {
  readonly scale: number;
  readonly window: PixelWindow;
  /** What of the photo it averages. */
  readonly lines: PixelWindow;
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
  /** First column of the photo, and the one after the last, that each column averages. */
  readonly #left: Int32Array;
  readonly #right: Int32Array;
  readonly #photoHeight: number;
  /** Of the whole level. */
  readonly #levelHeight: number;
  /** Sums above the row being gathered, and above the one after it: neighbours may share a line. */
  #above: Int32Array;
  #aboveNext: Int32Array;
  #begun = 0;
  #row = 0;

  constructor(image: RgbImage, { scale, window }: LevelPart) {
    const { left, top, right, bottom } = window;
    const levelWidth = levelSide(image.width, scale);
    const levelHeight = levelSide(image.height, scale);
    this.scale = scale;
    this.window = window;
    this.width = right - left;
    this.height = bottom - top;
    this.data = new Float32Array(this.width * this.height * 3);
    this.#left = new Int32Array(this.width);
    this.#right = new Int32Array(this.width);
    for (let x = 0; x < this.width; x++) {
      this.#left[x] = areaStart(left + x, image.width, levelWidth);
      this.#right[x] = areaEnd(left + x, image.width, levelWidth);
    }
    this.lines = {
      left: areaStart(left, image.width, levelWidth),
      top: areaStart(top, image.height, levelHeight),
      right: areaEnd(right - 1, image.width, levelWidth),
      bottom: areaEnd(bottom - 1, image.height, levelHeight),
    };
    this.#photoHeight = image.height;
    this.#levelHeight = levelHeight;
    this.#above = new Int32Array(this.width * 3);
    this.#aboveNext = new Int32Array(this.width * 3);
  }

  /** Takes the sums above photo line `y` where one of this level's rows begins with it. */
  before(y: number, table: Int32Array): void {
    if (this.#begun >= this.height) return;
    if (this.#startOf(this.#begun) !== y) return;
    const sums = this.#begun === this.#row ? this.#above : this.#aboveNext;
    for (let x = 0, at = 0; x < this.width; x++, at += 3) {
      const left = this.#left[x]! * 3;
      const right = this.#right[x]! * 3;
      sums[at] = table[right]! - table[left]!;
      sums[at + 1] = table[right + 1]! - table[left + 1]!;
      sums[at + 2] = table[right + 2]! - table[left + 2]!;
    }
    this.#begun++;
  }

  /** Finishes the row that ends with photo line `y`, where one does. */
  after(y: number, table: Int32Array): void {
    if (this.#row >= this.height) return;
    const end = areaEnd(this.window.top + this.#row, this.#photoHeight, this.#levelHeight);
    if (end !== y + 1) return;
    const lines = end - this.#startOf(this.#row);
    const sums = this.#above;
    const data = this.data;
    let to = this.#row * this.width * 3;
    for (let x = 0, at = 0; x < this.width; x++, at += 3, to += 3) {
      const left = this.#left[x]! * 3;
      const right = this.#right[x]! * 3;
      const share = 1 / (lines * (this.#right[x]! - this.#left[x]!));
      const red = (table[right]! - table[left]! - sums[at]!) | 0;
      const green = (table[right + 1]! - table[left + 1]! - sums[at + 1]!) | 0;
      const blue = (table[right + 2]! - table[left + 2]! - sums[at + 2]!) | 0;
      data[to] = (red * share - 127.5) * 0.0078125;
      data[to + 1] = (green * share - 127.5) * 0.0078125;
      data[to + 2] = (blue * share - 127.5) * 0.0078125;
    }
    this.#above = this.#aboveNext;
    this.#aboveNext = sums;
    this.#row++;
  }

  /** First line of the photo that a row of the part averages. */
  #startOf(row: number): number {
    return areaStart(this.window.top + row, this.#photoHeight, this.#levelHeight);
  }
}

/** First of the `size` pixels that pixel `index` of `target` averages. */
export function areaStart(index: number, size: number, target: number): number {
  return Math.floor((index * size) / target);
}

/** One after the last of the `size` pixels that pixel `index` of `target` averages. */
export function areaEnd(index: number, size: number, target: number): number {
  return Math.ceil(((index + 1) * size) / target);
}
