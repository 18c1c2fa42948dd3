/**
 * Which answers of the project's own kernels could lead to another decision than the networks' answers, whose
 * last bits differ: about these the networks are asked. Pure.
 */
import { boxAreas } from './boxes.ts';

/** Seven times what own logits were found to be off at most, on 80 collages and made crops. */
export const LOGIT_MARGIN = 1e-4;
/** Five times what own offsets were found to be off at most, as shares of a box's side. */
const OFFSET_MARGIN = 5e-6;
/** Two and a half roundings of a coordinate in single precision. */
const ROUNDING = 3e-7;
/** An overlap this close to the threshold is not decided. */
const OVERLAP_MARGIN = 1e-4;

/** Scores and what the network's ones may be. */
export interface ScoreRanges {
  /** [count] */
  readonly least: Float32Array;
  /** [count]; equal to `least` if the score is certain */
  readonly most: Float32Array;
  /** [count]: 1 if the network itself has answered */
  readonly isExact: Uint8Array;
}

/**
 * Rows that may be on the other side of the threshold, or in another order among those above it. Takes the time of
 * sorting: a made photo may have 30,000 equal scores.
 */
export function doubtfulScores({ least, most, isExact }: ScoreRanges, threshold: number): number[] {
  const limit = Math.fround(threshold);
  const doubtful = new Set<number>();
  const above: number[] = [];
  for (const [row, value] of most.entries()) {
    if (!(value > limit)) continue;
    above.push(row);
    if (!(least[row]! > limit)) doubtful.add(row);
  }
  above.sort((a, b) => most[b]! - most[a]!);
  // A range is in doubt if it meets another one; a certain score, if it lies in a range.
  const isRange = (row: number) => least[row]! < most[row]!;
  let lowest = Number.POSITIVE_INFINITY;
  let lowestOfRanges = lowest;
  for (const row of above) {
    if ((isRange(row) ? lowest : lowestOfRanges) <= most[row]!) doubtful.add(row);
    lowest = Math.min(lowest, least[row]!);
    if (isRange(row)) lowestOfRanges = Math.min(lowestOfRanges, least[row]!);
  }
  let highest = Number.NEGATIVE_INFINITY;
  let highestOfRanges = highest;
  for (const row of above.reverse()) {
    if ((isRange(row) ? highest : highestOfRanges) >= least[row]!) doubtful.add(row);
    highest = most[row]!;
    if (isRange(row)) highestOfRanges = most[row]!;
  }
  return [...doubtful].filter((row) => isExact[row] === 0);
}

/** Of boxes [count, 4] in pixels, those with a coordinate that could be truncated to another pixel. */
export function doubtfulEdges(boxes: Float32Array): number[] {
  const doubtful: number[] = [];
  for (let row = 0, at = 0; at < boxes.length; row++, at += 4) {
    const side = Math.max(boxes[at + 2]! - boxes[at]!, boxes[at + 3]! - boxes[at + 1]!);
    const isNear = [0, 1, 2, 3].some((edge) => {
      const place = boxes[at + edge]!;
      const margin = OFFSET_MARGIN * side + ROUNDING * Math.abs(place);
      return Math.abs(place - Math.round(place)) <= margin;
    });
    if (isNear) doubtful.push(row);
  }
  return doubtful;
}

/** Of boxes [count, 4], those that overlap another one by about the threshold, a share of the smaller one. */
export function doubtfulOverlaps(boxes: Float32Array, threshold: number): number[] {
  const doubtful = new Set<number>();
  const areas = boxAreas(boxes, 1);
  const shared = (one: number, other: number, from: number): number =>
    Math.min(boxes[one * 4 + from + 2]!, boxes[other * 4 + from + 2]!) -
    Math.max(boxes[one * 4 + from]!, boxes[other * 4 + from]!) +
    1;
  // From left to right, so that boxes far apart are not compared.
  const order = Array.from(areas.keys()).sort((a, b) => boxes[a * 4]! - boxes[b * 4]!);
  for (const [at, one] of order.entries()) {
    const right = boxes[one * 4 + 2]! + 1;
    for (let next = at + 1; next < order.length; next++) {
      const other = order[next]!;
      if (boxes[other * 4]! >= right) break;
      const [width, height] = [shared(one, other, 0), shared(one, other, 1)];
      if (width <= 0 || height <= 0) continue;
      const overlap = (width * height) / Math.min(areas[one]!, areas[other]!);
      if (Math.abs(overlap - threshold) < OVERLAP_MARGIN) doubtful.add(one).add(other);
    }
  }
  return [...doubtful];
}
