/**
 * The softmax of two logits, rounded as PyTorch rounds it: exponential, sum and quotient are each rounded to
 * single precision. Close to 1 few values remain, so many boxes have equal scores, and their order decides
 * which box stays. With other rounding, other boxes would have equal scores.
 */

const { exp, fround, max } = Math;

/** The probability of a face from single-precision logits. */
export function faceProbability(noFace: number, face: number): number {
  const largest = max(noFace, face);
  const share = fround(exp(fround(face - largest)));
  return fround(share / fround(share + fround(exp(fround(noFace - largest)))));
}

/**
 * @param logits [count, 2]: not a face, face
 * @returns [count, 2] in the same order
 */
export function probabilitiesOf(logits: Float32Array): Float32Array {
  const probabilities = new Float32Array(logits.length);
  for (let at = 0; at < logits.length; at += 2) {
    const [noFace, face] = [logits[at]!, logits[at + 1]!];
    probabilities[at] = faceProbability(face, noFace);
    probabilities[at + 1] = faceProbability(noFace, face);
  }
  return probabilities;
}
