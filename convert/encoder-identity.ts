/** Whose embeddings a converted encoder's can be compared with. */
import { createHash } from 'node:crypto';
import type { EncoderDescription } from '../model/format.ts';
import { FLOAT16_TOLERANCE } from './self-test/self-test.ts';
import type { EngineTest } from './self-test/tested-engines.ts';
import type { FileDigest } from './write/model-folder.ts';

/**
 * Other weights than the published ones give embeddings of their own: they get an id of their own, made from the
 * files that they were read from. Published weights that were rounded are still the same encoder.
 */
export function identified(
  encoder: EncoderDescription,
  tests: readonly Pick<EngineTest, 'deviations'>[],
  inputs: readonly FileDigest[],
): EncoderDescription {
  if (tests.every(({ deviations }) => deviations.encoder <= FLOAT16_TOLERANCE)) return encoder;
  const own = inputs.filter(({ file }) => /^encoder/.test(file));
  const digest = createHash('sha256').update(own.map(({ sha256 }) => sha256).join(' '));
  return { ...encoder, id: `${encoder.kind}-${digest.digest('hex').slice(0, 12)}` };
}
