/**
 * The softmax of two logits, rounded as PyTorch rounds it: the exponential, the sum and the quotient each
 * to single precision. Close to 1 this leaves few values, so many boxes have equal scores, and of equal
 * ones the order decides which box stays. Rounded once, other boxes would be equal.
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
