/**
 * The four networks as plain functions over typed arrays: what detection and embedding need of a
 * backend, and all that a backend must offer. Knows no image format and no gallery.
 */

import type { EncoderDescription, Precision } from './format.ts';

export type Backend = 'tensorflow' | 'wasm';

/** Face probability and box regression of P-Net at every cell of its output grid. */
export interface ProposalMap {
  /** Cells of the grid: P-Net has stride 2 and a field of 12 pixels. */
  readonly height: number;
  readonly width: number;
  /** [height, width, 2]: not a face, face. */
  readonly probability: Float32Array;
  /** [height, width, 4]: offsets of x1, y1, x2, y2 as shares of the box. */
  readonly regression: Float32Array;
}

/** P-Net's answers as they leave its last layer. */
export interface ProposalCells {
  readonly height: number;
  readonly width: number;
  /** [height, width, 6]: not a face and face before the softmax, then the offsets. */
  readonly cells: Float32Array;
}

/** What R-Net says of each crop. */
export interface Refinement {
  /** [count, 2]: not a face, face. */
  readonly probability: Float32Array;
  /** [count, 4]: offsets of x1, y1, x2, y2 as shares of the box. */
  readonly regression: Float32Array;
}

/** What O-Net says of each crop. */
export interface Confirmation extends Refinement {
  /** [count, 10]: x of the five landmarks, then y, as shares of the box. */
  readonly landmarks: Float32Array;
}

/**
 * All inputs are RGB, NHWC, float32, (x − 127.5) / 128. Calls are synchronous: the event loop stands
 * still meanwhile, which is why the worker runs them in a process of their own.
 */
export interface Networks {
  readonly backend: Backend;
  /** What `embed` takes and gives. */
  readonly encoder: EncoderDescription;
  /** What it was opened for; with bfloat16 `embed` has both. */
  readonly precision: Precision;
  /** @param image [height, width, 3] */
  propose(image: Float32Array, height: number, width: number): ProposalMap;
  /**
   * The same on blocks of 2 x 2 pixels, [row, column, colour] and two flags: 1 where the block's second
   * column, and where its second row, lie beyond the image. Only where it is faster.
   * @param blocks [height, width, 14]; sides in blocks, 6 at least
   */
  proposeBlocks?(blocks: Float32Array, height: number, width: number): ProposalCells;
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
