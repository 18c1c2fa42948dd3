/**
 * What a backend must be able to do, and the four networks on top of it: names of signatures and
 * tensors stand here and nowhere else.
 */
import { FACE_SIZE } from '../format.ts';
import type { Backend, Networks } from '../networks.ts';

export type Signature = 'pnet' | 'rnet' | 'onet' | 'encoder';
/** [n, height, width, channels] */
export type ImageShape = [number, number, number, number];

export interface OutputTensor {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** A loaded model. Calls are synchronous and leave no tensor behind. */
export interface Session {
  readonly backend: Backend;
  run<Name extends string>(
    signature: Signature,
    input: { readonly name: string; readonly data: Float32Array; readonly shape: ImageShape },
    outputs: readonly Name[],
  ): Record<Name, OutputTensor>;
  dispose(): void;
}

const REFINE_CROP = 24;
const OUTPUT_CROP = 48;

export function networksOf(session: Session): Networks {
  const square = (count: number, size: number): ImageShape => [count, size, size, 3];
  return {
    backend: session.backend,
    propose(data, height, width) {
      const { probability, regression } = session.run(
        'pnet',
        { name: 'image', data, shape: [1, height, width, 3] },
        ['probability', 'regression'],
      );
      const [, rows = 0, columns = 0] = probability.shape;
      return {
        height: rows,
        width: columns,
        probability: probability.data,
        regression: regression.data,
      };
    },
    refine(data, count) {
      const { probability, regression } = session.run(
        'rnet',
        { name: 'crops', data, shape: square(count, REFINE_CROP) },
        ['probability', 'regression'],
      );
      return { probability: probability.data, regression: regression.data };
    },
    output(data, count) {
      const { probability, regression, landmarks } = session.run(
        'onet',
        { name: 'crops', data, shape: square(count, OUTPUT_CROP) },
        ['probability', 'regression', 'landmarks'],
      );
      return {
        probability: probability.data,
        regression: regression.data,
        landmarks: landmarks.data,
      };
    },
    embed(data, count) {
      const input = { name: 'faces', data, shape: square(count, FACE_SIZE) };
      return session.run('encoder', input, ['embedding']).embedding.data;
    },
    dispose: () => session.dispose(),
  };
}
