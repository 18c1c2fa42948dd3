/**
 * The interface of a backend, and the four networks on top of it. The names of signatures and tensors occur
 * in this file only.
 */
import { probabilitiesOf } from '../detect/face-probability.ts';
import type { EncoderDescription, Precision } from '../format.ts';
import type { Backend, Networks, OwnStages, ProposalSieve } from '../networks.ts';

export type Signature = 'pnet' | 'pnet_blocks' | 'rnet' | 'onet' | 'encoder' | 'encoder_bfloat16';
/** [n, height, width, channels] */
export type ImageShape = [number, number, number, number];

export interface InputTensor {
  readonly name: string;
  readonly data: Float32Array;
  readonly shape: ImageShape;
}

export interface OutputTensor {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

export const encoderSignatures: Record<Precision, Signature> = {
  float32: 'encoder',
  bfloat16: 'encoder_bfloat16',
};

/**
 * The layers before the softmax, [n, 2]. Each engine rounds its softmax differently, so that boxes with equal
 * scores in PyTorch would have different scores here.
 */
const LOGITS = { pnet: 'conv4_1', rnet: 'dense5_1', onet: 'dense6_1' } as const;

/** A loaded model. Calls are synchronous and free all tensors. */
export interface Session {
  readonly backend: Backend;
  /** Whether it has `pnet_blocks`. */
  readonly blocks: boolean;
  readonly sieve?: ProposalSieve | undefined;
  readonly ownStages?: OwnStages | undefined;
  /** Whether the first call with a new number of crops is slow, because kernels are compiled for it. */
  readonly fewCounts: boolean;
  /** Precision that it was opened with: for bfloat16 it has `encoder_bfloat16`. */
  readonly precision: Precision;
  run<Name extends string>(
    signature: Signature,
    input: InputTensor,
    outputs: readonly Name[],
  ): Record<Name, OutputTensor>;
  dispose(): void;
}

/** px: minimum side. One less than P-Net's field, since its last pooling window may extend past the edge. */
const PROPOSE_LEAST = 11;
/** Minimum side in blocks of 2 x 2 pixels. */
const PROPOSE_BLOCKS = 6;
const BLOCK_CHANNELS = 14;
const REFINE_CROP = 24;
const OUTPUT_CROP = 48;
/** Numbers of crops per call, if kernels are compiled for each number. */
const COUNTS = [1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128] as const;

/**
 * The networks of a loaded model. Each throws a RangeError for an input of another shape than documented: wasm
 * would write outside its memory and give wrong answers from then on.
 */
export function networksOf(session: Session, encoder: EncoderDescription): Networks {
  const square = (count: number, size: number): ImageShape => [count, size, size, 3];
  const crops = (data: Float32Array, count: number, size: number): InputTensor => {
    const input = filled('crops', data, square(count, size));
    return session.fewCounts
      ? withMore(input, COUNTS.find((some) => some >= count) ?? count)
      : input;
  };
  return {
    backend: session.backend,
    encoder,
    ...(session.blocks ? { proposeBlocks: blockProposer(session) } : {}),
    ...(session.sieve ? { sieve: session.sieve } : {}),
    ...(session.ownStages ? { ownStages: session.ownStages } : {}),
    precision: session.precision,
    propose(data, height, width) {
      if (Math.min(height, width) < PROPOSE_LEAST) {
        throw new RangeError(
          `P-Net needs ${PROPOSE_LEAST} x ${PROPOSE_LEAST} pixels at least, not ${width} x ${height}.`,
        );
      }
      const input = filled('image', data, [1, height, width, 3]);
      const { [LOGITS.pnet]: logits, regression } = session.run('pnet', input, [
        LOGITS.pnet,
        'regression',
      ]);
      const [, rows = 0, columns = 0] = logits.shape;
      return {
        height: rows,
        width: columns,
        probability: probabilitiesOf(logits.data),
        regression: regression.data,
      };
    },
    refine(data, count) {
      const input = crops(data, count, REFINE_CROP);
      const { [LOGITS.rnet]: logits, regression } = session.run('rnet', input, [
        LOGITS.rnet,
        'regression',
      ]);
      return {
        probability: probabilitiesOf(logits.data.subarray(0, count * 2)),
        regression: regression.data.subarray(0, count * 4),
      };
    },
    output(data, count) {
      const input = crops(data, count, OUTPUT_CROP);
      const {
        [LOGITS.onet]: logits,
        regression,
        landmarks,
      } = session.run('onet', input, [LOGITS.onet, 'regression', 'landmarks']);
      return {
        probability: probabilitiesOf(logits.data.subarray(0, count * 2)),
        regression: regression.data.subarray(0, count * 4),
        landmarks: landmarks.data.subarray(0, count * 10),
      };
    },
    embed(data, count, precision = 'float32') {
      if (!encoder.precisions.includes(precision)) {
        throw new RangeError(`The ${encoder.kind} encoder does not compute in ${precision}.`);
      }
      const input = filled('faces', data, square(count, encoder.faceSize));
      return session.run(encoderSignatures[precision], input, ['embedding']).embedding.data;
    },
    dispose: () => session.dispose(),
  };
}

function blockProposer(session: Session): NonNullable<Networks['proposeBlocks']> {
  return (data, height, width) => {
    if (Math.min(height, width) < PROPOSE_BLOCKS) {
      throw new RangeError(
        `P-Net needs ${PROPOSE_BLOCKS} x ${PROPOSE_BLOCKS} blocks at least, not ${width} x ${height}.`,
      );
    }
    const input = filled('blocks', data, [1, height, width, BLOCK_CHANNELS]);
    const { cells } = session.run('pnet_blocks', input, ['cells']);
    const [, rows = 0, columns = 0] = cells.shape;
    return { height: rows, width: columns, cells: cells.data };
  };
}

/** The same, filled up with empty crops. */
function withMore(
  { name, data, shape: [count, ...shape] }: InputTensor,
  more: number,
): InputTensor {
  if (more === count) return { name, data, shape: [count, ...shape] };
  const all = new Float32Array((data.length / count) * more);
  all.set(data);
  return { name, data: all, shape: [more, ...shape] };
}

/** @throws {RangeError} when the values do not fill the shape, or the shape is empty */
function filled(name: string, data: Float32Array, shape: ImageShape): InputTensor {
  const values = shape.reduce((product, side) => product * side, 1);
  if (!shape.every((side) => Number.isInteger(side) && side > 0) || data.length !== values) {
    throw new RangeError(
      `${data.length} values do not fill ${name} of shape [${shape.join(', ')}].`,
    );
  }
  return { name, data, shape };
}
