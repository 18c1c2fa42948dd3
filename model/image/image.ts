/** A decoded photo: the form in which pixels go from decoding to detection and alignment. */

/** Eight-bit RGB pixels, rows from the top, no padding. */
export interface RgbImage {
  /** px */
  readonly width: number;
  /** px */
  readonly height: number;
  /** [height, width, 3], 0..255 */
  readonly data: Uint8Array;
}

/** A rectangle of whole pixels: from `left` and `top` up to, not including, `right` and `bottom`. */
export interface PixelWindow {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}
