/**
 * Non-maximum suppression: of boxes that overlap much, the one with the highest score stays. Two
 * measures of overlap, as MTCNN uses them. Knows nothing of networks.
 */
import { boxAreas, type ScoredBoxes } from './boxes.ts';

const { fround, max, min } = Math;

/**
 * Suppresses by intersection over union, strictly above the threshold: the rule of torchvision's nms.
 * @returns indices of the boxes that stay, highest score first, of equal scores the first first
 */
export function suppressByUnion(candidates: ScoredBoxes, threshold: number): Uint32Array {
  return suppress(candidates, threshold, 'union');
}

/**
 * Suppresses by intersection over the smaller area, with sizes counted as x2 - x1 + 1, strictly above
 * the threshold: the rule of MTCNN's last stage, which also drops a face inside a face.
 * @returns indices of the boxes that stay, highest score first, of equal scores the last first
 */
export function suppressBySmaller(candidates: ScoredBoxes, threshold: number): Uint32Array {
  return suppress(candidates, threshold, 'smaller');
}

function suppress(
  { boxes, scores }: ScoredBoxes,
  threshold: number,
  measure: 'union' | 'smaller',
): Uint32Array {
  const count = scores.length;
  const border = measure === 'smaller' ? 1 : 0;
  // NumPy compares in single precision, torchvision's kernel in double.
  const limit = measure === 'smaller' ? fround(threshold) : threshold;
  const areas = boxAreas(boxes, border);
  const order = orderByScore(scores, measure === 'smaller' ? 'last' : 'first');
  const suppressed = new Uint8Array(count);
  const kept = new Uint32Array(count);
  let keptCount = 0;
  for (let rank = 0; rank < count; rank++) {
    const best = order[rank]!;
    if (suppressed[best] === 1) continue;
    kept[keptCount++] = best;
    const x1 = boxes[best * 4]!;
    const y1 = boxes[best * 4 + 1]!;
    const x2 = boxes[best * 4 + 2]!;
    const y2 = boxes[best * 4 + 3]!;
    const area = areas[best]!;
    for (let later = rank + 1; later < count; later++) {
      const other = order[later]!;
      if (suppressed[other] === 1) continue;
      const at = other * 4;
      const width = fround(fround(min(x2, boxes[at + 2]!) - max(x1, boxes[at]!)) + border);
      if (width <= 0) continue;
      const height = fround(fround(min(y2, boxes[at + 3]!) - max(y1, boxes[at + 1]!)) + border);
      if (height <= 0) continue;
      const intersection = fround(width * height);
      const whole =
        measure === 'smaller'
          ? min(area, areas[other]!)
          : fround(fround(area + areas[other]!) - intersection);
      if (fround(intersection / whole) > limit) suppressed[other] = 1;
    }
  }
  return kept.subarray(0, keptCount);
}

function orderByScore(scores: Float32Array, ofEqual: 'first' | 'last'): Uint32Array {
  const sign = ofEqual === 'first' ? 1 : -1;
  const order = new Uint32Array(scores.length);
  for (let index = 0; index < order.length; index++) order[index] = index;
  return order.sort((a, b) => scores[b]! - scores[a]! || sign * (a - b));
}
