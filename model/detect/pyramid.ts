/** The photo at every scale that P-Net searches, scaled in one pass over the photo. */

import { gridSide } from '../image/area-grid.ts';
import { averageAreas } from '../image/areas.ts';
import type { PixelWindow, RgbImage } from '../image/image.ts';
import { PROPOSAL_FIELD } from './propose/proposals.ts';

/** A scaled photo, or a part of one, ready for P-Net. */
export interface Level {
  /** size of this level divided by the photo's */
  readonly scale: number;
  /** Where the part begins in the whole level, px; even. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** [height, width, 3], (x - 127.5) / 128 */
  readonly data: Float32Array;
}

/**
 * P-Net takes about 90 bytes per pixel. The finest scales of a photo of more than 12 megapixels are left out,
 * so that a huge photo loses its smallest faces instead of taking gigabytes.
 */
export const MAX_LEVEL_PIXELS = 4_500_000;

/**
 * The scales at which faces of at least `minFaceSize` pixels fill P-Net's field, finest first. Each is
 * `factor` times the previous one, until the photo's shorter side is smaller than a field.
 */
export function pyramidScales(
  width: number,
  height: number,
  minFaceSize: number,
  factor: number,
): number[] {
  const scales: number[] = [];
  let scale = PROPOSAL_FIELD / minFaceSize;
  let shorterSide = Math.min(width, height) * scale;
  while (shorterSide >= PROPOSAL_FIELD) {
    const pixels = levelSide(width, scale) * levelSide(height, scale);
    if (pixels <= MAX_LEVEL_PIXELS) scales.push(scale);
    scale *= factor;
    shorterSide *= factor;
  }
  return scales;
}

function levelSide(side: number, scale: number): number {
  return Math.trunc(side * scale + 1);
}

/** A level's size, px. */
export function levelSize({ width, height }: RgbImage, scale: number): PixelWindow {
  return { left: 0, top: 0, right: levelSide(width, scale), bottom: levelSide(height, scale) };
}

/** The photo at each of these scales. Valid until the next call that averages areas. */
export function buildPyramid(image: RgbImage, scales: readonly number[]): Level[] {
  return buildLevelParts(
    image,
    scales.map((scale) => ({ scale, window: levelSize(image, scale) })),
  );
}

/** A window of a level, px of that level. */
export interface LevelPart {
  readonly scale: number;
  readonly window: PixelWindow;
}

/** Scales parts of levels from the photo. Valid until the next call that averages areas. */
export function buildLevelParts(image: RgbImage, parts: readonly LevelPart[]): Level[] {
  let count = 0;
  const grids = parts.map(({ scale, window: { left, top, right, bottom } }) => {
    const columns = gridSide(image.width, levelSide(image.width, scale), { from: left, to: right });
    const rows = gridSide(image.height, levelSide(image.height, scale), { from: top, to: bottom });
    const at = count;
    count += (right - left) * (bottom - top) * 3;
    return { columns, rows, at };
  });
  const values = averageAreas(image, { grids }, count);
  return parts.map(({ scale, window: { left, top, right, bottom } }, index) => {
    const [width, height] = [right - left, bottom - top];
    const { at } = grids[index]!;
    return { scale, left, top, width, height, data: values.subarray(at, at + width * height * 3) };
  });
}
