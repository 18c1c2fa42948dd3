/**
 * P-Net's answer on one scale, read as candidate boxes in the photo. Decides by probability alone;
 * suppression comes after.
 */
import type { ProposalMap } from '../networks.ts';
import type { ScoredBoxes } from './boxes.ts';

/** P-Net looks at squares of 12 pixels, 2 apart. */
export const PROPOSAL_FIELD = 12;
const PROPOSAL_STRIDE = 2;

export interface Proposals extends ScoredBoxes {
  /** [count, 4]: offsets of x1, y1, x2, y2, as shares of the box */
  readonly regression: Float32Array;
}

/**
 * The cells with at least `threshold` probability, row by row, as boxes in pixels of the photo.
 * @param scale size of the scaled image over the photo's
 */
export function proposalsOf(map: ProposalMap, scale: number, threshold: number): Proposals {
  const cells = cellsAbove(map, Math.fround(threshold));
  const count = cells.length;
  const boxes = new Float32Array(count * 4);
  const scores = new Float32Array(count);
  const regression = new Float32Array(count * 4);
  const scale32 = Math.fround(scale);
  // Rounded to single precision before it is floored, as PyTorch does.
  const toPhoto = (position: number): number => Math.floor(Math.fround(position / scale32));
  for (let row = 0; row < count; row++) {
    const cell = cells[row]!;
    const x = (cell % map.width) * PROPOSAL_STRIDE;
    const y = Math.floor(cell / map.width) * PROPOSAL_STRIDE;
    boxes[row * 4] = toPhoto(x + 1);
    boxes[row * 4 + 1] = toPhoto(y + 1);
    boxes[row * 4 + 2] = toPhoto(x + PROPOSAL_FIELD);
    boxes[row * 4 + 3] = toPhoto(y + PROPOSAL_FIELD);
    scores[row] = map.probability[cell * 2 + 1]!;
    for (let side = 0; side < 4; side++) {
      regression[row * 4 + side] = map.regression[cell * 4 + side]!;
    }
  }
  return { boxes, scores, regression };
}

function cellsAbove({ width, height, probability }: ProposalMap, threshold: number): Uint32Array {
  let count = 0;
  const cells = new Uint32Array(width * height);
  for (let cell = 0; cell < cells.length; cell++) {
    if (probability[cell * 2 + 1]! >= threshold) cells[count++] = cell;
  }
  return cells.subarray(0, count);
}
