/**
 * P-Net's answers on one scale, read as candidate boxes in the photo. Decides by probability alone;
 * suppression comes after. Knows not how a scale was cut into pieces.
 */

import type { ProposalCells, ProposalMap } from '../networks.ts';
import type { ScoredBoxes } from './boxes.ts';
import { faceProbability } from './face-probability.ts';

/** P-Net looks at squares of 12 pixels, 2 apart. */
export const PROPOSAL_FIELD = 12;
export const PROPOSAL_STRIDE = 2;

export interface Proposals extends ScoredBoxes {
  /** [count, 4]: offsets of x1, y1, x2, y2, as shares of the box */
  readonly regression: Float32Array;
}

/** Which cells of an answer are taken, and where they lie in the scale's grid. */
export interface Piece {
  /** Of the answer. */
  readonly left: number;
  readonly top: number;
  readonly columns: number;
  readonly rows: number;
  /** Of the scale. */
  readonly firstColumn: number;
  readonly firstRow: number;
}

/** Of P-Net's answer on blocks: two logits, four offsets. */
const CELL_VALUES = 6;
/** Logits are compared with this much to spare, and the probability decides. */
const LOGIT_MARGIN = 1e-3;

/** The cells of one scale with at least `threshold` probability, gathered piece by piece. */
export class Candidates {
  readonly #threshold: number;
  readonly #leastLogit: number;
  readonly #found: { column: number; row: number; score: number; offsets: readonly number[] }[] =
    [];

  constructor(threshold: number) {
    this.#threshold = Math.fround(threshold);
    this.#leastLogit = Math.log(threshold / (1 - threshold)) - LOGIT_MARGIN;
  }

  /** @param column of the scale, where the map begins */
  addMap(
    { width, height, probability, regression }: ProposalMap,
    column: number,
    row: number,
  ): void {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const cell = y * width + x;
        const score = probability[cell * 2 + 1]!;
        if (score < this.#threshold) continue;
        const offsets = fourFrom(regression, cell * 4);
        this.#found.push({ column: column + x, row: row + y, score, offsets });
      }
    }
  }

  addCells({ width, cells }: ProposalCells, piece: Piece): void {
    for (let y = 0; y < piece.rows; y++) {
      let at = ((piece.top + y) * width + piece.left) * CELL_VALUES;
      for (let x = 0; x < piece.columns; x++, at += CELL_VALUES) {
        const logit = cells[at + 1]! - cells[at]!;
        if (logit < this.#leastLogit) continue;
        const score = faceProbability(cells[at]!, cells[at + 1]!);
        if (score < this.#threshold) continue;
        const [column, row] = [piece.firstColumn + x, piece.firstRow + y];
        this.#found.push({ column, row, score, offsets: fourFrom(cells, at + 2) });
      }
    }
  }

  /**
   * Row by row, as boxes in pixels of the photo.
   * @param scale size of the scaled image over the photo's
   */
  proposals(scale: number): Proposals {
    const found = this.#found.sort((a, b) => a.row - b.row || a.column - b.column);
    const boxes = new Float32Array(found.length * 4);
    const scores = new Float32Array(found.length);
    const regression = new Float32Array(found.length * 4);
    const scale32 = Math.fround(scale);
    // Rounded to single precision before it is floored, as PyTorch does.
    const toPhoto = (position: number): number => Math.floor(Math.fround(position / scale32));
    for (const [index, { column, row, score, offsets }] of found.entries()) {
      const x = column * PROPOSAL_STRIDE;
      const y = row * PROPOSAL_STRIDE;
      boxes[index * 4] = toPhoto(x + 1);
      boxes[index * 4 + 1] = toPhoto(y + 1);
      boxes[index * 4 + 2] = toPhoto(x + PROPOSAL_FIELD);
      boxes[index * 4 + 3] = toPhoto(y + PROPOSAL_FIELD);
      scores[index] = score;
      regression.set(offsets, index * 4);
    }
    return { boxes, scores, regression };
  }
}

/** A typed array of four would take more time and memory. */
function fourFrom(values: Float32Array, at: number): number[] {
  return [values[at]!, values[at + 1]!, values[at + 2]!, values[at + 3]!];
}
