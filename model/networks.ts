/**
 * The four networks as functions over typed arrays: what detection and embedding need from a backend, and
 * all that a backend must provide.
 */

import type { EncoderDescription, Precision } from './format.ts';

export type Backend = 'tensorflow' | 'wasm';

/** Face probability and box regression of P-Net at every cell of its output grid. */
export interface ProposalMap {
  /** Number of cells of the grid: P-Net has a stride of 2 pixels and a field of 12 pixels. */
  readonly height: number;
  readonly width: number;
  /** [height, width, 2]: not a face, face. */
  readonly probability: Float32Array;
  /** [height, width, 4]: offsets of x1, y1, x2, y2 as shares of the box. */
  readonly regression: Float32Array;
}

/** P-Net's answers as its last layer gives them. */
export interface ProposalCells {
  readonly height: number;
  readonly width: number;
  /** [height, width, 6]: not a face, face (both before the softmax), then the four offsets. */
  readonly cells: Float32Array;
}

/** Side of the squares of P-Net's cells that a sieve tells apart. */
export const SIEVE_TILE = 2;

/** Which squares of P-Net's cells may hold a proposal. */
export interface SievedTiles {
  readonly columns: number;
  readonly rows: number;
  /** [rows, columns]: 1 if a cell may reach the logit, otherwise 0. */
  readonly tiles: Uint8Array;
}

/**
 * Computes P-Net with less precision than its answers need.
 * @param image [height, width, 3]; sides of at least 11 px
 * @param leastLogit of a face minus that of no face
 */
export type ProposalSieve = (
  image: Float32Array,
  height: number,
  width: number,
  leastLogit: number,
) => SievedTiles;

/** Values of a crop in `OwnAnswers`. */
export const OWN_ANSWER_VALUES = 16;

/**
 * What R-Net or O-Net answers, computed by the project's own kernels with other roundings than `refine` and `output`.
 * Equal crops have equal answers, whatever their number.
 * @param crops [count, side, side, 3]
 * @returns [count, 16]: not a face, face (both before the softmax), four offsets, x of five landmarks, then y; the
 *   landmarks of O-Net only
 */
export type OwnAnswers = (crops: Float32Array, count: number) => Float32Array;

export interface OwnStages {
  readonly refine: OwnAnswers;
  readonly confirm: OwnAnswers;
}

/** R-Net's answer for each crop. */
export interface Refinement {
  /** [count, 2]: not a face, face. */
  readonly probability: Float32Array;
  /** [count, 4]: offsets of x1, y1, x2, y2 as shares of the box. */
  readonly regression: Float32Array;
}

/** O-Net's answer for each crop. */
export interface Confirmation extends Refinement {
  /** [count, 10]: x of the five landmarks, then y, as shares of the box. */
  readonly landmarks: Float32Array;
}

/**
 * All inputs are RGB, NHWC, float32, (x − 127.5) / 128. Calls are synchronous and block the event loop, which
 * is why the worker runs them in a child process.
 */
export interface Networks {
  readonly backend: Backend;
  /** Input and output of `embed`. */
  readonly encoder: EncoderDescription;
  /** Precision that it was opened with; with bfloat16, `embed` can compute in both. */
  readonly precision: Precision;
  /** @param image [height, width, 3] */
  propose(image: Float32Array, height: number, width: number): ProposalMap;
  /**
   * P-Net on blocks of 2 x 2 pixels: the values [row, column, colour], and two flags that are 1 if the block's
   * second column, or its second row, is outside the image. Only on backends where this is faster.
   * @param blocks [height, width, 14]; sides in blocks, at least 6
   */
  proposeBlocks?(blocks: Float32Array, height: number, width: number): ProposalCells;
  /** Absent on machines where it is not faster than P-Net. */
  readonly sieve?: ProposalSieve;
  /** Absent on machines that lack the instructions. */
  readonly ownStages?: OwnStages;
  /** @param crops [count, 24, 24, 3] */
  refine(crops: Float32Array, count: number): Refinement;
  /** @param crops [count, 48, 48, 3] */
  output(crops: Float32Array, count: number): Confirmation;
  /**
   * @param faces [count, faceSize, faceSize, 3] of the encoder
   * @param precision one of the encoder's; default float32
   * @returns embeddings [count, embeddingLength]
   */
  embed(faces: Float32Array, count: number, precision?: Precision): Float32Array;
  dispose(): void;
}
