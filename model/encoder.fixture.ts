/** Descriptions of the two encoders for tests that run neither: their shapes, as a manifest states them. */
import type { EncoderDescription } from './format.ts';

export const facenetShape: EncoderDescription = {
  kind: 'facenet',
  faceSize: 240,
  alignment: 'box',
  embeddingLength: 512,
  normalised: true,
  precisions: ['float32', 'bfloat16'],
  knownDistance: 0.92,
};

export const compactShape: EncoderDescription = {
  kind: 'compact',
  faceSize: 150,
  alignment: 'landmarks',
  embeddingLength: 128,
  normalised: false,
  precisions: ['float32'],
  knownDistance: 0.55,
};

/** Values of one crop. */
export function faceValues({ faceSize }: EncoderDescription): number {
  return faceSize ** 2 * 3;
}
