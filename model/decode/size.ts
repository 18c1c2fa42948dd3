/** How large an image may be, and the sentences about one that is too large or broken. */
import { ImageError } from '../errors.ts';

/**
 * A few hundred kilobytes can claim gigabytes of pixels. The largest phone photos (8192x6144) pass;
 * at this size the pixels take 153 MB.
 */
export const MAX_PIXELS = 51_000_000;

/** @throws {ImageError} when the image has more pixels than are accepted */
export function requireBearableSize(width: number, height: number): void {
  const pixels = width * height;
  if (pixels <= MAX_PIXELS) return;
  throw new ImageError(
    `The image is too large: ${width}x${height} is ${megapixels(pixels)} megapixels, ` +
      `at most ${megapixels(MAX_PIXELS)} are accepted.`,
  );
}

function megapixels(pixels: number): string {
  return (pixels / 1e6).toFixed(0);
}

/** @param cause tells of the decoder's insides, which are for logs and not for who sent the photo */
export function brokenImage(cause: unknown): ImageError {
  return new ImageError('The image is damaged or cut short: send the whole file again.', { cause });
}
