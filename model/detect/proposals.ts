/**
 * P-Net's answers on one scale, read as candidate boxes in the photo. Decides by probability alone;
 * suppression comes after. Knows not how a scale was cut into pieces.
 */
import type { ProposalCells, ProposalMap } from '../networks.ts';
import type { ScoredBoxes } from './boxes.ts';

/** P-Net looks at squares of 12 pixels, 2 apart. */
export const PROPOSAL_FIELD = 12;
export const PROPOSAL_STRIDE = 2;

export interface Proposals extends ScoredBoxes {
  /** [count, 4]: offsets of x1, y1, x2, y2, as shares of the box */
  readonly regression: Float32Array;
}

/** Which cells of an answer are taken, and where they lie in the part's own grid. */
export interface Piece {
  /** Cell of that grid that is the answer's first. */
  readonly left: number;
  readonly top: number;
  /** Cells before these belong to another piece. */
  readonly fromColumn: number;
  readonly fromRow: number;
}

const WHOLE: Piece = { left: 0, top: 0, fromColumn: 0, fromRow: 0 };
/** Logits are compared with this much to spare, and the probability decides. */
const LOGIT_MARGIN = 1e-3;

/** The cells of one scale with at least `threshold` probability, gathered piece by piece. */
export class Candidates {
  readonly #threshold: number;
  readonly #leastLogit: number;
  readonly #found: { column: number; row: number; score: number; offsets: Float32Array }[] = [];

  #firstColumn = 0;
  #firstRow = 0;

  constructor(threshold: number) {
    this.#threshold = Math.fround(threshold);
    this.#leastLogit = Math.log(threshold / (1 - threshold)) - LOGIT_MARGIN;
  }

  /** What is added from now on is of a part of the scale that begins with this cell. */
  begin(column: number, row: number): void {
    this.#firstColumn = column;
    this.#firstRow = row;
  }

  addMap({ width, height, probability, regression }: ProposalMap, piece: Piece = WHOLE): void {
    for (let y = piece.fromRow - piece.top; y < height; y++) {
      for (let x = piece.fromColumn - piece.left; x < width; x++) {
        const cell = y * width + x;
        const score = probability[cell * 2 + 1]!;
        if (score < this.#threshold) continue;
        const offsets = regression.subarray(cell * 4, cell * 4 + 4);
        this.#add(piece.left + x, piece.top + y, score, offsets);
      }
    }
  }

  addCells({ width, height, cells }: ProposalCells, piece: Piece = WHOLE): void {
    for (let y = piece.fromRow - piece.top; y < height; y++) {
      for (let x = piece.fromColumn - piece.left; x < width; x++) {
        const at = (y * width + x) * 6;
        const logit = cells[at + 1]! - cells[at]!;
        if (logit < this.#leastLogit) continue;
        const score = Math.fround(1 / (1 + Math.exp(-logit)));
        if (score < this.#threshold) continue;
        const offsets = cells.subarray(at + 2, at + 6);
        this.#add(piece.left + x, piece.top + y, score, offsets);
      }
    }
  }

  #add(x: number, y: number, score: number, offsets: Float32Array): void {
    const [column, row] = [this.#firstColumn + x, this.#firstRow + y];
    this.#found.push({ column, row, score, offsets });
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
