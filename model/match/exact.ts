/** Squared lengths and distances in float64: the same number for a row, whatever it is computed with. */

/** By |a - b|² = |a|² + |b|² - 2ab: one product a value. @param own |a|² @param square |b|² */
export function squaredDistance(own: number, square: number, product: number): number {
  return own + square - 2 * product;
}

/** By differences: the short formula loses digits where two embeddings are nearly the same. */
export function distanceOf(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) {
    const difference = a[at]! - b[at]!;
    sum += difference * difference;
  }
  return Math.sqrt(sum);
}

/**
 * Of the embedding with each of the rows; four at once read its values once: two thirds of the time. Each
 * sum has one order, independent of the other rows, so that a row's answer does not depend on them.
 */
export function products(
  embedding: Float32Array,
  matrix: Float32Array,
  rows: Uint32Array,
): Float64Array {
  const into = new Float64Array(rows.length);
  const length = embedding.length;
  const last = rows.length - 1;
  for (let at = 0; at < rows.length; at += 4) {
    // At the end the last row stands in for those that are missing.
    const from0 = rows[at]! * length;
    const from1 = rows[Math.min(at + 1, last)]! * length;
    const from2 = rows[Math.min(at + 2, last)]! * length;
    const from3 = rows[Math.min(at + 3, last)]! * length;
    let sum0 = 0;
    let sum1 = 0;
    let sum2 = 0;
    let sum3 = 0;
    for (let index = 0; index < length; index++) {
      const value = embedding[index]!;
      sum0 += value * matrix[from0 + index]!;
      sum1 += value * matrix[from1 + index]!;
      sum2 += value * matrix[from2 + index]!;
      sum3 += value * matrix[from3 + index]!;
    }
    into[at] = sum0;
    // Beyond the end of a typed array nothing is written.
    into[at + 1] = sum1;
    into[at + 2] = sum2;
    into[at + 3] = sum3;
  }
  return into;
}

/** Four sums side by side: the processor need not wait for one addition to begin the next. */
export function squareOf(embedding: Float32Array): number {
  let [sum0, sum1, sum2, sum3] = [0, 0, 0, 0];
  const whole = embedding.length - (embedding.length % 4);
  for (let at = 0; at < whole; at += 4) {
    sum0 += embedding[at]! * embedding[at]!;
    sum1 += embedding[at + 1]! * embedding[at + 1]!;
    sum2 += embedding[at + 2]! * embedding[at + 2]!;
    sum3 += embedding[at + 3]! * embedding[at + 3]!;
  }
  for (let at = whole; at < embedding.length; at++) sum0 += embedding[at]! * embedding[at]!;
  return sum0 + sum1 + sum2 + sum3;
}
