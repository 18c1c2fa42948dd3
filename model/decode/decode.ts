/** Decodes image bytes to RGB pixels, or throws an ImageError with one clear sentence. */
import type { PhotoFormat } from '../../runtime/photo-format/formats.ts';
import { judgePhoto } from '../../runtime/photo-format/judge.ts';
import { cmykBitsOf } from '../../runtime/photo-format/tiff.ts';
import { ImageError } from '../errors.ts';
import type { RgbImage } from '../image/image.ts';
import { decodeAvif } from './avif.ts';
import { decodeBmp } from './bmp.ts';
import { decodeJpeg } from './jpeg.ts';
import { readCmyk, readRgb } from './sharp.ts';

export { MAX_PIXELS } from '../image/image.ts';

export interface DecodeOptions {
  /**
   * Turn the photo by its EXIF orientation, so that boxes refer to what people see (default true).
   * False gives the pixels as stored, as PyTorch's pipelines read them.
   */
  readonly orient?: boolean;
}

type Decode = (bytes: Uint8Array, orient: boolean) => Promise<RgbImage>;

const DECODERS: Readonly<Record<PhotoFormat, Decode>> = {
  JPEG: decodeJpeg,
  PNG: readRgb,
  WebP: readRgb,
  GIF: readRgb,
  TIFF: decodeTiff,
  AVIF: decodeAvif,
  // Loaded with the first HEIC photo: most services never receive one.
  HEIC: async (bytes) => (await import('./heic.ts')).decodeHeic(bytes),
  BMP: async (bytes) => decodeBmp(bytes),
};

/**
 * Decodes a photo in one of the accepted formats (runtime/photo-format/formats.ts) to 8-bit RGB.
 *
 * Grey, CMYK, palette and 16-bit images are converted; transparent images are laid on white, as viewers
 * show them; of animated images the first frame is decoded. Colour profiles are ignored, which gives the same
 * bytes as Pillow, with which the networks' reference answers were made.
 * @throws {ImageError} when the bytes are not a complete image of those formats, or have over 51 megapixels
 */
export async function decodeImage(
  bytes: Uint8Array,
  { orient = true }: DecodeOptions = {},
): Promise<RgbImage> {
  if (bytes.length === 0) throw new ImageError('The image is empty: it has no bytes.');
  const { format, refusal } = await judgePhoto(bytes);
  if (refusal !== undefined) throw new ImageError(refusal.sentence);
  return DECODERS[format](bytes, orient);
}

async function decodeTiff(bytes: Uint8Array, orient: boolean): Promise<RgbImage> {
  const bits = cmykBitsOf(bytes);
  return bits === undefined ? readRgb(bytes, orient) : readCmyk(bytes, orient, bits === 16);
}
