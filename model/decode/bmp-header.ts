/** The headers and the palette of a Windows or OS/2 bitmap. */
import { Buffer } from 'node:buffer';
import { unreadImage } from '../../runtime/photo-format/formats.ts';
import { ImageError } from '../errors.ts';

export interface BmpHeader {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  readonly isTopDown: boolean;
  /** Bits of a run-length coded number; undefined without run lengths. */
  readonly packing: 4 | 8 | undefined;
  /** Bit masks of red, green, blue and opacity in a number of 16 or 32 bits. */
  readonly masks: readonly [number, number, number, number];
  /** Red, green, blue of each colour. */
  readonly palette: Uint8Array;
  /** Offset of the pixels in the file. */
  readonly offset: number;
}

const FILE_HEADER = 14;
const OS2_HEADER = 12;
const INFO_HEADER = 40;
const PLAIN = 0;
const RUNS_OF_8 = 1;
const RUNS_OF_4 = 2;
const MASKED = 3;
const MASKED_WITH_OPACITY = 6;
const BITS: ReadonlySet<number> = new Set([1, 4, 8, 16, 24, 32]);
const MASKS_OF_16 = [0x7c00, 0x3e0, 0x1f, 0] as const;
const MASKS_OF_32 = [0xff0000, 0xff00, 0xff, 0] as const;

/** @throws {ImageError | RangeError} when the kind of bitmap is not supported, or the header is broken */
export function bmpHeaderOf(bytes: Uint8Array): BmpHeader {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = file.readUInt32LE(FILE_HEADER);
  const isSmall = size === OS2_HEADER;
  const [width, tall] = isSmall
    ? [file.readUInt16LE(18), file.readUInt16LE(20)]
    : [file.readInt32LE(18), file.readInt32LE(22)];
  if (width <= 0 || tall === 0) throw new RangeError('it has no pixels');
  const bits = file.readUInt16LE(isSmall ? 24 : 28);
  const coding = size < INFO_HEADER ? PLAIN : file.readUInt32LE(30);
  const packing = packingOf(coding, bits);
  const head = {
    width,
    height: Math.abs(tall),
    bits,
    isTopDown: tall < 0,
    packing,
    offset: file.readUInt32LE(10),
  };
  const hasMasks = coding === MASKED || coding === MASKED_WITH_OPACITY;
  const masks = hasMasks ? masksOf(file, size, coding) : bits === 16 ? MASKS_OF_16 : MASKS_OF_32;
  return { ...head, masks, palette: bits > 8 ? new Uint8Array() : paletteOf(file, size, head) };
}

function packingOf(coding: number, bits: number): 4 | 8 | undefined {
  if (coding === RUNS_OF_8 && bits === 8) return 8;
  if (coding === RUNS_OF_4 && bits === 4) return 4;
  const isPlain = coding === PLAIN && BITS.has(bits);
  const isMasked = [MASKED, MASKED_WITH_OPACITY].includes(coding) && (bits === 16 || bits === 32);
  if (isPlain || isMasked) return undefined;
  throw new ImageError(unreadImage(`BMPs of ${bits} bits in coding ${coding}`).sentence);
}

/** After the headers, or inside those that are long enough. */
function masksOf(file: Buffer, size: number, coding: number): BmpHeader['masks'] {
  const at = FILE_HEADER + INFO_HEADER;
  const mask = (index: number): number => file.readUInt32LE(at + 4 * index);
  const hasOpacity = size >= INFO_HEADER + 16 || coding === MASKED_WITH_OPACITY;
  return [mask(0), mask(1), mask(2), hasOpacity ? mask(3) : 0];
}

function paletteOf(
  file: Buffer,
  size: number,
  { bits, offset }: Pick<BmpHeader, 'bits' | 'offset'>,
): Uint8Array {
  const length = size === OS2_HEADER ? 3 : 4;
  const declared = size < INFO_HEADER ? 0 : file.readUInt32LE(46);
  const from = FILE_HEADER + size;
  const there = offset > from ? Math.floor((offset - from) / length) : 2 ** bits;
  const count = Math.min(declared || 2 ** bits, 2 ** bits, there);
  const palette = new Uint8Array(3 * count);
  for (let colour = 0; colour < count; colour++) {
    for (let part = 0; part < 3; part++) {
      palette[3 * colour + part] = file[from + colour * length + 2 - part] ?? 0;
    }
  }
  return palette;
}
