import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encoders } from '../encoders.ts';
import { SelfTestError } from '../errors.ts';
import { type Answers, readReference, referenceImages } from './reference.ts';
import { checkPublished, checkSane, deviationsOf } from './self-test.ts';

const expected = readReference('facenet');

/** The pinned answers with one value changed. */
function changed(change: (answers: Answers) => void): Answers {
  const answers = readReference('facenet');
  change(answers);
  return answers;
}

test('the pinned answers pass for themselves', () => {
  assert.doesNotThrow(() => checkSane(expected, encoders.facenet));
  const deviations = deviationsOf(expected, expected);
  assert.deepEqual(deviations, { pnet: 0, rnet: 0, onet: 0, encoder: 0 });
  assert.doesNotThrow(() => checkPublished(deviations));
});

test('rounding of float32 passes, more does not', () => {
  const shift = (by: number) =>
    deviationsOf(
      changed(({ onet }) => {
        onet.landmarks[3]! += by;
      }),
      expected,
    );
  assert.doesNotThrow(() => checkPublished(shift(9e-5)));
  assert.throws(
    () => checkPublished(shift(1.2e-4)),
    (error) => error instanceof SelfTestError && /onet answers 0\.00012 off/.test(error.message),
  );
});

test('the encoder is judged by the distance between embeddings', () => {
  const moved = changed(({ encoder }) => {
    encoder.embedding[512]! += 3e-3;
    encoder.embedding[513]! += 4e-3;
  });
  assert.ok(Math.abs(deviationsOf(moved, expected).encoder - 5e-3) < 1e-6);
});

test('other weights are refused with the way to use them on purpose', () => {
  const deviations = { pnet: 0, rnet: 0, onet: 0, encoder: 1.1 };
  assert.throws(
    () => checkPublished(deviations),
    (error) =>
      error instanceof SelfTestError &&
      error.message.includes('vggface2') &&
      error.message.includes('--any-weights'),
  );
});

for (const [what, change] of Object.entries<(answers: Answers) => void>({
  'an answer that is not a number': ({ pnet }) => pnet.regression.fill(Number.NaN, 0, 1),
  'a probability above 1': ({ rnet }) => rnet.probability.fill(1.5, 0, 1),
  'an embedding of another length than 1': ({ encoder }) => encoder.embedding.fill(0, 0, 100),
})) {
  test(`${what} is never accepted`, () => {
    assert.throws(() => checkSane(changed(change), encoders.facenet), SelfTestError);
  });
}

test('an answer of another size is off beyond any measure', () => {
  const short = { ...expected, pnet: { ...expected.pnet, regression: new Float32Array(4) } };
  assert.equal(deviationsOf(short, expected).pnet, Number.POSITIVE_INFINITY);
});

test('reference images are the same everywhere, within −1 to 1, and differ from each other', () => {
  const images = referenceImages(2, 3, 4);
  assert.equal(images.length, 2 * 3 * 4 * 3);
  assert.ok(images.every((value) => value >= -1 && value <= 1));
  assert.notDeepEqual(images.subarray(0, 36), images.subarray(36));
  // By hand: the wave is 255 at the first pixel, the noise the upper byte of the first step.
  const noise = (1_664_525n * 2_654_435_761n + 1_013_904_223n) % 2n ** 32n;
  const pixel = (3 * 255 + Number(noise >> 24n)) >> 2;
  assert.equal(images[0], Math.fround((pixel - 127.5) / 128));
});
