/** A decoded photo: its form, its largest accepted size, and how its memory is released. */
import { ImageError } from '../errors.ts';

/** Eight-bit RGB pixels, rows from the top, no padding. */
export interface RgbImage {
  /** px */
  readonly width: number;
  /** px */
  readonly height: number;
  /** [height, width, 3], 0..255 */
  readonly data: Uint8Array;
}

/** Every channel of white, on which transparent parts are laid, as viewers show them. */
export const BACKGROUND = 255;

/** A rectangle of whole pixels: from `left` and `top` up to, not including, `right` and `bottom`. */
export interface PixelWindow {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/**
 * A file of a few hundred kilobytes can declare gigabytes of pixels. The largest phone photos (8192x6144)
 * are accepted; at this size the pixels take 153 MB.
 */
export const MAX_PIXELS = 51_000_000;

/** @throws {ImageError} when the image has more pixels than are accepted */
export function requireAcceptedSize(width: number, height: number): void {
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

/**
 * Releases the memory of pixels or network answers without waiting for a garbage collection: V8 counts
 * memory outside its heap, and collects the whole heap each time some tens of megabytes were added. The
 * values must not be read afterwards.
 */
export function releaseMemory({ buffer, byteOffset, byteLength }: Uint8Array | Float32Array): void {
  const isWhole = byteOffset === 0 && byteLength === buffer.byteLength;
  // Node 20 has no `transfer`: there the memory waits for the garbage collection.
  if (isWhole && buffer instanceof ArrayBuffer) buffer.transfer?.(0);
}
