/**
 * Which image format bytes are in, judged from the bytes alone. Only formats named here reach the
 * decoder: it could also render documents and drawings, which nobody should be able to ask for.
 */
import { Buffer } from 'node:buffer';

export type ImageFormat = 'JPEG' | 'PNG' | 'WebP' | 'GIF' | 'TIFF' | 'AVIF';

/** What people may send, as one phrase for messages. */
export const SUPPORTED_FORMATS = 'JPEG, PNG, WebP, GIF, TIFF or AVIF';

/** Endings of files in these formats, lower case, for picking photos from a folder. */
export const IMAGE_EXTENSIONS: ReadonlySet<string> = new Set([
  '.jpg',
  '.jpeg',
  '.jpe',
  '.jfif',
  '.png',
  '.webp',
  '.gif',
  '.tif',
  '.tiff',
  '.avif',
]);

const AVIF_BRANDS: ReadonlySet<string> = new Set(['avif', 'avis']);
const HEIC_BRANDS: ReadonlySet<string> = new Set(['heic', 'heix', 'hevc', 'hevx', 'heim', 'heis']);

/** The format of an image file's first bytes, or undefined where it is none of the supported. */
export function imageFormatOf(bytes: Uint8Array): ImageFormat | undefined {
  const head = latin1(bytes, 0, 12);
  if (head.startsWith('\xff\xd8\xff')) return 'JPEG';
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'PNG';
  if (head.startsWith('GIF87a') || head.startsWith('GIF89a')) return 'GIF';
  if (head.startsWith('RIFF') && head.endsWith('WEBP')) return 'WebP';
  if (head.startsWith('II*\0') || head.startsWith('MM\0*')) return 'TIFF';
  if (brandsOf(bytes).some((brand) => AVIF_BRANDS.has(brand))) return 'AVIF';
  return undefined;
}

/** Whether these are the first bytes of a HEIC photo, which phones make and we cannot read. */
export function isHeic(bytes: Uint8Array): boolean {
  return brandsOf(bytes).some((brand) => HEIC_BRANDS.has(brand));
}

/** The brands of an ISO base media file (ISO 14496-12, box `ftyp`): its major one, then the others. */
function brandsOf(bytes: Uint8Array): string[] {
  if (bytes.length < 16 || latin1(bytes, 4, 8) !== 'ftyp') return [];
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  const end = Math.min(size, bytes.length, 256);
  const brands = [latin1(bytes, 8, 12)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(latin1(bytes, at, at + 4));
  return brands;
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.subarray(from, to)).toString('latin1');
}
