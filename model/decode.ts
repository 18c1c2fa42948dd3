/**
 * Image bytes to RGB pixels, or an ImageError with one clear sentence. Knows nothing of faces.
 */
import sharp, { type Metadata, type SharpOptions } from 'sharp';
import { ImageError } from './errors.ts';
import type { RgbImage } from './image.ts';
import { imageFormatOf, isHeic, SUPPORTED_FORMATS } from './image-format.ts';

/**
 * A few hundred kilobytes can claim gigabytes of pixels. The largest phone photos (8192x6144) pass;
 * at this size the pixels take 153 MB.
 */
export const MAX_PIXELS = 51_000_000;

// Every photo comes once: keeping decoded ones for a second reading would only hold memory.
sharp.cache(false);

export interface DecodeOptions {
  /**
   * Turn the photo upright as its EXIF orientation says, so that boxes refer to what people see.
   * False gives the pixels as stored, which is what PyTorch's pipelines see. Default true.
   */
  readonly orient?: boolean;
}

/**
 * Decodes a JPEG, PNG, WebP, GIF, TIFF or AVIF image to 8-bit RGB.
 *
 * Grey, CMYK, palette and 16-bit images are converted; transparent ones are laid on white, as viewers
 * show them; of animated ones the first frame counts. Colour profiles are ignored: that gives the
 * bytes Pillow gives, on which the networks' reference answers were made.
 * @throws {ImageError} when the bytes are not a whole image of those formats, or of over 51 megapixels
 */
export async function decodeImage(
  bytes: Uint8Array,
  { orient = true }: DecodeOptions = {},
): Promise<RgbImage> {
  requireSupportedFormat(bytes);
  const options: SharpOptions = {
    autoOrient: orient,
    // 'error' refuses what is cut short or damaged, and bears what libjpeg only warns of.
    failOn: 'error',
    ignoreIcc: true,
    limitInputPixels: MAX_PIXELS,
    sequentialRead: true,
  };
  try {
    const { data, info } = await sharp(bytes, options)
      .flatten({ background: 'white' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`it decodes to ${info.channels} channels`);
    return { width: info.width, height: info.height, data };
  } catch (error) {
    // Only then, since reading the header by itself takes up to a millisecond.
    requireBearableSize(await readMetadata(bytes, options));
    throw brokenImage(error);
  }
}

function requireSupportedFormat(bytes: Uint8Array): void {
  if (bytes.length === 0) throw new ImageError('The image is empty: it has no bytes.');
  if (imageFormatOf(bytes) !== undefined) return;
  const what = isHeic(bytes)
    ? 'HEIC photos cannot be read'
    : 'The file is not an image that can be read';
  throw new ImageError(`${what}: send ${SUPPORTED_FORMATS}.`);
}

async function readMetadata(bytes: Uint8Array, options: SharpOptions): Promise<Metadata> {
  try {
    // Unlimited, so that a size over the limit can be told from a broken file; reads the header only.
    return await sharp(bytes, { ...options, limitInputPixels: false }).metadata();
  } catch (error) {
    throw brokenImage(error);
  }
}

function requireBearableSize({ width, height, pageHeight = height }: Metadata): void {
  const pixels = width * pageHeight;
  if (pixels <= MAX_PIXELS) return;
  throw new ImageError(
    `The image is too large: ${width}x${pageHeight} is ${megapixels(pixels)} megapixels, ` +
      `at most ${megapixels(MAX_PIXELS)} are accepted.`,
  );
}

function megapixels(pixels: number): string {
  return (pixels / 1e6).toFixed(0);
}

function brokenImage(error: unknown): ImageError {
  // The cause tells of the decoder's insides, which are for logs and not for who sent the photo.
  return new ImageError('The image is damaged or cut short: send the whole file again.', {
    cause: error,
  });
}
