/** Bitmaps as run lengths of palette numbers: one byte a pixel comes out. */
import type { BmpHeader } from './bmp-header.ts';

const END_OF_ROW = 0;
const END = 1;
const MOVE = 2;

/** What no run covers is the palette's first colour. */
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
  /** The nth number in bytes from `at` on. */
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
      // Numbers given one by one fill whole words of two bytes.
      at += 2 * Math.ceil((code * packing!) / 16);
    }
  }
  if (y < height - 1) throw new RangeError('it ends before its last row');
  return numbers;
}
