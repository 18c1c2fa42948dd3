/**
 * Non-maximum suppression: of boxes that overlap too much, the one with the highest score stays. Overlap is
 * measured in two ways, as in MTCNN.
 */
import { boxAreas, pickRows, type ScoredBoxes } from './boxes.ts';

const { fround, max, min } = Math;

/**
 * Suppresses by intersection over union, strictly above the threshold: the rule of torchvision's nms.
 * @returns indices of the boxes that stay, highest score first; of equal scores, the first box first
 */
export function suppressByUnion(candidates: ScoredBoxes, threshold: number): Uint32Array {
  return suppress(candidates, threshold, 'union');
}

/**
 * Suppresses by intersection over the smaller area, with sizes counted as x2 - x1 + 1, strictly above
 * the threshold: the rule of MTCNN's last stage, which also suppresses a face inside a face.
 * @returns indices of the boxes that stay, highest score first; of equal scores, the last box first
 */
export function suppressBySmaller(candidates: ScoredBoxes, threshold: number): Uint32Array {
  return suppress(candidates, threshold, 'smaller');
}

function suppress(
  { boxes, scores }: ScoredBoxes,
  threshold: number,
  measure: 'union' | 'smaller',
): Uint32Array {
  const border = measure === 'smaller' ? 1 : 0;
  // NumPy compares in single precision, torchvision's kernel in double.
  const limit = measure === 'smaller' ? fround(threshold) : threshold;
  const order = orderByScore(scores, measure === 'smaller' ? 'last' : 'first');
  // In order of score, so that the inner loop reads memory in sequence; survivors move up after each round.
  const ranked = pickRows(boxes, 4, order);
  const areas = boxAreas(ranked, border);
  // Boxes this far apart have no intersection, whatever the way of counting and rounding.
  const apart = border * 2;
  let alive = order.length;
  let kept = 0;
  while (kept < alive) {
    const x1 = ranked[kept * 4]!;
    const y1 = ranked[kept * 4 + 1]!;
    const x2 = ranked[kept * 4 + 2]!;
    const y2 = ranked[kept * 4 + 3]!;
    const area = areas[kept]!;
    const [left, top, right, bottom] = [x1 - apart, y1 - apart, x2 + apart, y2 + apart];
    kept++;
    let survivors = kept;
    for (let other = kept; other < alive; other++) {
      const at = other * 4;
      // True for nearly all boxes, and four comparisons are faster than rounding each step below.
      const liesApart =
        ranked[at]! > right ||
        ranked[at + 2]! < left ||
        ranked[at + 1]! > bottom ||
        ranked[at + 3]! < top;
      if (!liesApart) {
        const width = fround(fround(min(x2, ranked[at + 2]!) - max(x1, ranked[at]!)) + border);
        const height = fround(fround(min(y2, ranked[at + 3]!) - max(y1, ranked[at + 1]!)) + border);
        if (width > 0 && height > 0) {
          const intersection = fround(width * height);
          const whole =
            measure === 'smaller'
              ? min(area, areas[other]!)
              : fround(fround(area + areas[other]!) - intersection);
          if (fround(intersection / whole) > limit) continue;
        }
      }
      if (survivors < other) {
        ranked[survivors * 4] = ranked[at]!;
        ranked[survivors * 4 + 1] = ranked[at + 1]!;
        ranked[survivors * 4 + 2] = ranked[at + 2]!;
        ranked[survivors * 4 + 3] = ranked[at + 3]!;
        areas[survivors] = areas[other]!;
        order[survivors] = order[other]!;
      }
      survivors++;
    }
    alive = survivors;
  }
  return order.subarray(0, kept);
}

function orderByScore(scores: Float32Array, ofEqual: 'first' | 'last'): Uint32Array {
  const sign = ofEqual === 'first' ? 1 : -1;
  const order = new Uint32Array(scores.length);
  for (let index = 0; index < order.length; index++) order[index] = index;
  return order.sort((a, b) => scores[b]! - scores[a]! || sign * (a - b));
}
