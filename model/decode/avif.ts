/** AVIFs of every brand, with grey ones converted to the full range of values. */
import { Buffer } from 'node:buffer';
import { type Box, boxesOf } from '../../runtime/photo-format/heif.ts';
import type { RgbImage } from '../image/image.ts';
import { readRgb } from './sharp.ts';

/** Offset of the file's major brand. */
const BRAND_AT = 8;
/** Black and white in the limited range. */
const BLACK = 16;
const WHITE = 235;

export async function decodeAvif(bytes: Uint8Array, orient: boolean): Promise<RgbImage> {
  const image = await readRgb(asAvif(bytes), orient);
  // libvips copies a grey plane as it is; for colours, libheif converts the range.
  return isGreyOfLimitedRange(bytes) ? fullRange(image) : image;
}

/** sharp recognises AVIF by its major brand only; sequences and general HEIF brands are the same format. */
function asAvif(bytes: Uint8Array): Uint8Array {
  const brand = Buffer.from(bytes.subarray(BRAND_AT, BRAND_AT + 4)).toString('latin1');
  if (brand === 'avif') return bytes;
  const copy = Buffer.from(bytes);
  copy.write('avif', BRAND_AT, 'latin1');
  return copy;
}

function isGreyOfLimitedRange(bytes: Uint8Array): boolean {
  const properties = propertiesOf(bytes);
  // In an image with colours, only the plane of its transparency is grey.
  const codings = properties.filter(({ type }) => type === 'av1C');
  if (codings.length === 0 || !codings.every(({ from }) => (bytes[from + 2]! & 0x10) !== 0)) {
    return false;
  }
  // nclx (ISO 23001-8): three numbers of two bytes, then a bit for the full range.
  const range = properties.find(
    ({ type, from }) =>
      type === 'colr' && String.fromCharCode(...bytes.subarray(from, from + 4)) === 'nclx',
  );
  return range !== undefined && (bytes[range.from + 10]! & 0x80) === 0;
}

/** The boxes that describe the file's images: meta, iprp, ipco. */
function propertiesOf(bytes: Uint8Array): Box[] {
  const meta = boxesOf(bytes, 0, bytes.length).find(({ type }) => type === 'meta');
  if (meta === undefined) return [];
  const all = boxesOf(bytes, meta.from + 4, meta.to).find(({ type }) => type === 'iprp');
  if (all === undefined) return [];
  const list = boxesOf(bytes, all.from, all.to).find(({ type }) => type === 'ipco');
  return list === undefined ? [] : boxesOf(bytes, list.from, list.to);
}

function fullRange(image: RgbImage): RgbImage {
  const values = Uint8ClampedArray.from({ length: 256 }, (_, value) =>
    Math.round(((value - BLACK) * 255) / (WHITE - BLACK)),
  );
  const data = image.data.map((value) => values[value]!);
  return { ...image, data };
}
