/**
 * The photo at every scale that P-Net looks at, made by averaging areas (PyTorch's adaptive average
 * pooling) in one pass over the photo. Knows nothing of boxes.
 */
import type { RgbImage } from '../image.ts';
import { PROPOSAL_FIELD } from './proposals.ts';

/** A scaled photo, ready for P-Net. */
export interface Level {
  /** size of this level over the photo's */
  readonly scale: number;
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

/**
 * Averages the photo's pixels into every scale. One running row of the photo's summed-area table
 * serves all levels: a level takes from it the sums above each of its rows and subtracts them when
 * the row's last line has come by.
 */
export function buildPyramid(image: RgbImage, scales: readonly number[]): Level[] {
  const { width, height, data } = image;
  const growing = scales.map((scale) => new GrowingLevel(image, scale));
  // Sums wrap around at 2^32: only differences count, and those stay below 2^31.
  const table = new Int32Array((width + 1) * 3);
  for (let y = 0; y < height; y++) {
    for (const level of growing) level.before(y, table);
    addRow(table, data, y * width * 3, width * 3);
    for (const level of growing) level.after(y, table);
  }
  return growing.map(({ scale, width, height, data }) => ({ scale, width, height, data }));
}

function addRow(table: Int32Array, data: Uint8Array, from: number, length: number): void {
  let red = 0;
  let green = 0;
  let blue = 0;
  for (let at = 0; at < length; at += 3) {
    red = (red + data[from + at]!) | 0;
    green = (green + data[from + at + 1]!) | 0;
    blue = (blue + data[from + at + 2]!) | 0;
    table[at + 3] = (table[at + 3]! + red) | 0;
    table[at + 4] = (table[at + 4]! + green) | 0;
    table[at + 5] = (table[at + 5]! + blue) | 0;
  }
}

/** One level while the photo's rows come by. */
class GrowingLevel {
  readonly scale: number;
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
  /** First column of the photo, and the one after the last, that each column averages. */
  readonly #left: Int32Array;
  readonly #right: Int32Array;
  readonly #photoHeight: number;
  /** Sums above the row being gathered, and above the one after it: neighbours may share a line. */
  #above: Int32Array;
  #aboveNext: Int32Array;
  #begun = 0;
  #row = 0;

  constructor(image: RgbImage, scale: number) {
    this.scale = scale;
    this.width = levelSide(image.width, scale);
    this.height = levelSide(image.height, scale);
    this.data = new Float32Array(this.width * this.height * 3);
    this.#left = new Int32Array(this.width);
    this.#right = new Int32Array(this.width);
    for (let x = 0; x < this.width; x++) {
      this.#left[x] = areaStart(x, image.width, this.width);
      this.#right[x] = areaEnd(x, image.width, this.width);
    }
    this.#photoHeight = image.height;
    this.#above = new Int32Array(this.width * 3);
    this.#aboveNext = new Int32Array(this.width * 3);
  }

  /** Takes the sums above photo line `y` where one of this level's rows begins with it. */
  before(y: number, table: Int32Array): void {
    if (this.#begun >= this.height) return;
    if (areaStart(this.#begun, this.#photoHeight, this.height) !== y) return;
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
    const end = areaEnd(this.#row, this.#photoHeight, this.height);
    if (end !== y + 1) return;
    const lines = end - areaStart(this.#row, this.#photoHeight, this.height);
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
}

/** First of the `size` pixels that pixel `index` of `target` averages. */
export function areaStart(index: number, size: number, target: number): number {
  return Math.floor((index * size) / target);
}

/** One after the last of the `size` pixels that pixel `index` of `target` averages. */
export function areaEnd(index: number, size: number, target: number): number {
  return Math.ceil(((index + 1) * size) / target);
}
