/**
 * Windows bitmaps of 1 to 32 bits, with masks or run lengths, bottom-up or top-down; transparent ones are laid
 * on white. sharp reads no BMP, and the packages on npm decode palettes to wrong colours.
 */
import { brokenImage, ImageError } from '../errors.ts';
import { BACKGROUND, type RgbImage, requireAcceptedSize } from '../image/image.ts';
import { type BmpHeader, bmpHeaderOf } from './bmp-header.ts';

/** Codes of a run-length coded bitmap, after a count of 0. */
const END_OF_ROW = 0;
const END = 1;
const MOVE = 2;

/** @throws {ImageError} */
export function decodeBmp(bytes: Uint8Array): RgbImage {
  try {
    const header = bmpHeaderOf(bytes);
    requireAcceptedSize(header.width, header.height);
    return pixelsOf(bytes, header);
  } catch (error) {
    throw error instanceof ImageError ? error : brokenImage(error);
  }
}

function pixelsOf(bytes: Uint8Array, header: BmpHeader): RgbImage {
  const { width, height, bits, packing, isTopDown, offset } = header;
  const stride = Math.ceil((width * bits) / 32) * 4;
  const coded = bytes.subarray(offset);
  if (packing === undefined && coded.length < stride * (height - 1) + (width * bits) / 8) {
    throw new RangeError('it has too few bytes for its size');
  }
  const data = new Uint8Array(width * height * 3);
  const writeRow = bits <= 8 ? paletteRow(header) : bits === 24 ? tripleRow : maskedRow(header);
  const unpacked = packing && unpackRuns(coded, header);
  for (let row = 0; row < height; row++) {
    const from = unpacked ? row * width : row * stride;
    const to = (isTopDown ? row : height - 1 - row) * width * 3;
    writeRow(unpacked ?? coded, from, data.subarray(to, to + width * 3));
  }
  return { width, height, data };
}

type WriteRow = (coded: Uint8Array, from: number, row: Uint8Array) => void;

const tripleRow: WriteRow = (coded, from, row) => {
  for (let at = 0; at < row.length; at += 3) {
    row[at] = coded[from + at + 2]!;
    row[at + 1] = coded[from + at + 1]!;
    row[at + 2] = coded[from + at]!;
  }
};

/** Colours by palette index; an index that is not in the palette is black. */
function paletteRow({ bits, packing, palette }: BmpHeader): WriteRow {
  const depth = packing === undefined ? bits : 8;
  const perByte = 8 / depth;
  const mask = (1 << depth) - 1;
  return (coded, from, row) => {
    for (let x = 0; 3 * x < row.length; x++) {
      const byte = coded[from + Math.floor(x / perByte)]!;
      const number = (byte >> (depth * (perByte - 1 - (x % perByte)))) & mask;
      for (let colour = 0; colour < 3; colour++)
        row[3 * x + colour] = palette[3 * number + colour] ?? 0;
    }
  };
}

function maskedRow({ bits, masks }: BmpHeader): WriteRow {
  const [red, green, blue, alpha] = masks.map(channel);
  return (coded, from, row) => {
    const view = new DataView(coded.buffer, coded.byteOffset + from);
    for (let x = 0; 3 * x < row.length; x++) {
      const value = bits === 16 ? view.getUint16(2 * x, true) : view.getUint32(4 * x, true);
      const opacity = masks[3] === 0 ? 1 : alpha!(value) / 255;
      const ground = BACKGROUND * (1 - opacity);
      row[3 * x] = Math.round(red!(value) * opacity + ground);
      row[3 * x + 1] = Math.round(green!(value) * opacity + ground);
      row[3 * x + 2] = Math.round(blue!(value) * opacity + ground);
    }
  };
}

/** The bits of a mask, scaled to 0..255. */
function channel(mask: number): (value: number) => number {
  if (mask === 0) return () => 0;
  const shift = 31 - Math.clz32(mask & -mask);
  const most = mask >>> shift;
  const scale = 255 / most;
  return (value) => Math.round(((value >>> shift) & most) * scale);
}

/** Pixels that no run covers have the palette's first colour. */
export function unpackRuns(
  coded: Uint8Array,
  { width, height, packing }: Pick<BmpHeader, 'width' | 'height' | 'packing'>,
): Uint8Array {
  const numbers = new Uint8Array(width * height);
  let x = 0;
  let y = 0;
  const put = (number: number): void => {
    if (x < width && y < height) numbers[y * width + x] = number;
    x++;
  };
  /** The nth palette index in the bytes from `at` on. */
  const numberAt = (at: number, n: number): number => {
    if (packing === 8) return coded[at + n] ?? 0;
    const byte = coded[at + (n >> 1)] ?? 0;
    return n % 2 === 0 ? byte >> 4 : byte & 15;
  };
  let at = 0;
  while (at < coded.length) {
    const count = coded[at]!;
    const code = coded[at + 1];
    if (code === undefined) throw new RangeError('it ends within a run');
    at += 2;
    if (count > 0) {
      for (let n = 0; n < count; n++) put(numberAt(at - 1, packing === 8 ? 0 : n % 2));
    } else if (code === END) {
      return numbers;
    } else if (code === END_OF_ROW) {
      x = 0;
      y++;
    } else if (code === MOVE) {
      x += coded[at] ?? 0;
      y += coded[at + 1] ?? 0;
      at += 2;
    } else {
      for (let n = 0; n < code; n++) put(numberAt(at, n));
      // A sequence of single indices is padded to whole words of two bytes.
      at += 2 * Math.ceil((code * packing!) / 16);
    }
  }
  if (y < height - 1) throw new RangeError('it ends before its last row');
  return numbers;
}
