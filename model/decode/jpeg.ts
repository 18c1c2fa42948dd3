/**
 * JPEGs as cameras write them. Some have no end marker, which the decoder reports as a truncated file: such a
 * photo is accepted if every block is present.
 */
import { Buffer } from 'node:buffer';
import { type JpegHeaders, jpegHeadersOf } from '../../runtime/photo-format/jpeg.ts';
import { brokenImage } from '../errors.ts';
import type { RgbImage } from '../image/image.ts';
import { readCmyk, readRgb } from './sharp.ts';

const INKS = 4;
const END = Buffer.from('ffd9', 'hex');
/** Bits that decode to other blocks than an absence of bits does. */
const FILLER = Buffer.alloc(256, 0x55);
/** Maximum number of zero bytes kept as data: a block that changes nothing takes a few bits. */
const OWN_ZEROS = 4;
const LAST_COEFFICIENT = 63;
/** Frames whose coefficients come in several scans, a few bits at a time. */
const PROGRESSIVE: ReadonlySet<number> = new Set([0xc2, 0xca]);

export async function decodeJpeg(bytes: Uint8Array, orient: boolean): Promise<RgbImage> {
  const hasInks = jpegHeadersOf(bytes)?.frame.components.length === INKS;
  const read = (jpeg: Uint8Array): Promise<RgbImage> =>
    hasInks ? readCmyk(jpeg, orient) : readRgb(jpeg, orient);
  if (Buffer.compare(bytes.subarray(-2), END) === 0) return read(bytes);
  const headers = jpegHeadersOf(bytes, true);
  if (headers === undefined || headers.isEnded) return read(bytes);
  return readUnended(bytes, headers, read);
}

/**
 * Reads a photo without an end marker. The decoder makes missing blocks from whatever bytes follow, so the
 * photo is complete if adding other bytes changes no pixel.
 */
async function readUnended(
  bytes: Uint8Array,
  headers: JpegHeaders,
  read: (jpeg: Uint8Array) => Promise<RgbImage>,
): Promise<RgbImage> {
  if (!hasEveryScan(headers)) throw brokenImage(new Error('scans are missing'));
  const data = withoutPadding(bytes);
  const image = await read(Buffer.concat([data, END]));
  const other = await read(Buffer.concat([data, FILLER, END]));
  if (Buffer.compare(image.data, other.data) === 0) return image;
  throw brokenImage(new Error('blocks are missing'));
}

/**
 * The file without the zeros that storage and recorders append, except for a few that may be data, and without
 * half a marker.
 */
function withoutPadding(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  if (end < bytes.length) return bytes.subarray(0, end + OWN_ZEROS);
  while (end > 0 && bytes[end - 1] === 0xff) end--;
  return bytes.subarray(0, end);
}

/** Whether the scans contain all bits of all coefficients of all components. */
function hasEveryScan({ frame, scans }: JpegHeaders): boolean {
  const isProgressive = PROGRESSIVE.has(frame.marker);
  return frame.components.every((component) => {
    const own = scans.filter(({ components }) => components.includes(component));
    if (!isProgressive) return own.length > 0;
    const complete = own.filter(({ missingBits }) => missingBits === 0);
    for (let coefficient = 0; coefficient <= LAST_COEFFICIENT; coefficient++) {
      if (!complete.some(({ from, to }) => from <= coefficient && coefficient <= to)) return false;
    }
    return true;
  });
}
