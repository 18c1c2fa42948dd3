/**
 * P-Net's answers on one scale as candidate boxes in the photo. Selects by probability only; overlapping boxes
 * are suppressed later.
 */

import type { ProposalCells, ProposalMap } from '../../networks.ts';
import type { ScoredBoxes } from '../boxes.ts';
import { faceProbability } from '../face-probability.ts';

/** P-Net classifies squares of 12 pixels, at a distance of 2 pixels. */
export const PROPOSAL_FIELD = 12;
export const PROPOSAL_STRIDE = 2;

export interface Proposals extends ScoredBoxes {
  /** [count, 4]: offsets of x1, y1, x2, y2, as shares of the box */
  readonly regression: Float32Array;
}

/** The cells of an answer that are used, and their place in the grid of the scale. */
export interface Piece {
  /** Cells of the answer. */
  readonly left: number;
  readonly top: number;
  readonly columns: number;
  readonly rows: number;
  /** Cells of the scale. */
  readonly firstColumn: number;
  readonly firstRow: number;
}

/** Values of a cell in P-Net's answer on blocks: two logits, four offsets. */
const CELL_VALUES = 6;
/** Logits this much below the threshold still have their probability computed, which then decides. */
const LOGIT_MARGIN = 1e-3;

/** Collects, piece by piece, the cells of one scale that have at least `threshold` probability. */
export class Candidates {
  readonly #threshold: number;
  readonly #leastLogit: number;
  readonly #found: { column: number; row: number; score: number; offsets: readonly number[] }[] =
    [];

  constructor(threshold: number) {
    this.#threshold = Math.fround(threshold);
    this.#leastLogit = Math.log(threshold / (1 - threshold)) - LOGIT_MARGIN;
  }

  /** @param column column of the scale where the map begins */
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
   * The collected cells as boxes in pixels of the photo, row by row.
   * @param scale size of the scaled image divided by the photo's
   */
  proposals(scale: number): Proposals {
    const found = this.#found
      .sort((a, b) => a.row - b.row || a.column - b.column)
      // Areas may overlap: a cell in two of them is one proposal.
      .filter(
        ({ row, column }, at, all) => row !== all[at - 1]?.row || column !== all[at - 1]?.column,
      );
    const boxes = new Float32Array(found.length * 4);
    const scores = new Float32Array(found.length);
    const regression = new Float32Array(found.length * 4);
    const scale32 = Math.fround(scale);
    // Rounded to single precision before it is floored, as in PyTorch.
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

/** A plain array: a typed array of four values takes more time and memory. */
function fourFrom(values: Float32Array, at: number): number[] {
  return [values[at]!, values[at + 1]!, values[at + 2]!, values[at + 3]!];
}
