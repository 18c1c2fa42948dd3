/**
 * Cost against latency: which results no other beats, and the figures that were asked for, each with what
 * to compare it to. Pure.
 */
import type { Result } from './compare.ts';
import type { Family } from './contenders/contenders.ts';

/** One workload: the course's rule against the cheapest `drain-time` that is as fast. */
export interface AgainstCourse {
  readonly workload: string;
  readonly course: Result;
  readonly ours: Result | undefined;
  /** Of the cost; undefined when no goal is as fast. */
  readonly ratio: number | undefined;
}

export function againstCourse(results: readonly Result[]): AgainstCourse[] {
  return byWorkload(results).flatMap(([workload, here]) => {
    const course = here.find(({ family, isDefault }) => family === 'threshold' && isDefault);
    if (course === undefined) return [];
    const ours = cheapestAsFast(ofFamily(here, 'drain-time'), course.p95);
    return [{ workload, course, ours, ratio: ours && ours.cost / course.cost }];
  });
}

/**
 * Of all workloads together: the sum of costs where `drain-time` was as fast, over that of the course's
 * rule. Loads differ a millionfold in size, so the mean of the ratios (geometric) is given too.
 */
export function overall(rows: readonly AgainstCourse[]): { sum: number; mean: number } {
  const both = rows.filter(({ ratio }) => ratio !== undefined);
  const cost = (pick: (row: AgainstCourse) => number): number =>
    both.reduce((sum, row) => sum + pick(row), 0);
  return {
    sum: cost(({ ours }) => ours?.cost ?? 0) / cost(({ course }) => course.cost),
    mean: Math.exp(cost(({ ratio }) => Math.log(ratio ?? 1)) / both.length),
  };
}

/** One workload and one peer: the points of the peer's frontier, and those of them that stay unbeaten. */
export interface AgainstPeer {
  readonly workload: string;
  readonly peer: Family;
  readonly points: number;
  readonly unbeaten: readonly { readonly result: Result; readonly ours: Result | undefined }[];
}

export function againstPeers(results: readonly Result[], peers: readonly Family[]): AgainstPeer[] {
  return byWorkload(results).flatMap(([workload, here]) => {
    const ours = ofFamily(here, 'drain-time');
    return peers.map((peer) => {
      const theirs = ofFamily(here, peer);
      const left = unbeaten(ours, theirs).map((result) => ({
        result,
        ours: cheapestAsFast(ours, result.p95),
      }));
      return { workload, peer, points: frontier(theirs).length, unbeaten: left };
    });
  });
}

/** One workload and one goal: what it costs over the cheapest that anyone found at that p95. */
export interface AgainstOracle {
  readonly workload: string;
  readonly ours: Result;
  readonly oracle: Result;
  readonly ratio: number;
}

/** Every point of the `drain-time` frontier; the oracle is the best of its plans and of all that was tried. */
export function againstOracle(results: readonly Result[]): AgainstOracle[] {
  return byWorkload(results).flatMap(([workload, here]) => {
    const anyone = here.filter(({ p95 }) => Number.isFinite(p95));
    const mine = ofFamily(here, 'drain-time');
    return frontier(mine).flatMap((ours) => {
      const oracle = cheapestAsFast(anyone, ours.p95);
      return oracle ? [{ workload, ours, oracle, ratio: ours.cost / oracle.cost }] : [];
    });
  });
}

export function ofFamily(results: readonly Result[], family: Family): Result[] {
  return results.filter((one) => one.family === family && Number.isFinite(one.p95));
}

export function byWorkload(results: readonly Result[]): [string, Result[]][] {
  return [...Map.groupBy(results, ({ workload }) => workload)];
}

export interface Point {
  /** Instance-seconds. */
  readonly cost: number;
  /** Seconds. */
  readonly p95: number;
}

/** Two results this close count as equal: the luck of a few boots moves them by as much. */
export const TOLERANCE = 0.02;
/** Nor does anyone tell apart latencies this close, in seconds. */
const TOLERANCE_SECONDS = 0.1;

/** The points that no other beats in both, by ascending p95. */
export function frontier<P extends Point>(points: readonly P[]): P[] {
  const sorted = [...points].sort((a, b) => a.p95 - b.p95 || a.cost - b.cost);
  let cheapest = Number.POSITIVE_INFINITY;
  return sorted.filter(({ cost }) => {
    if (cost >= cheapest) return false;
    cheapest = cost;
    return true;
  });
}

/** The cheapest that is at least as fast, within the tolerance; undefined when none is. */
export function cheapestAsFast<P extends Point>(points: readonly P[], p95: number): P | undefined {
  const limit = Math.max(p95 * (1 + TOLERANCE), p95 + TOLERANCE_SECONDS);
  let best: P | undefined;
  for (const point of points) {
    if (point.p95 <= limit && (best === undefined || point.cost < best.cost)) best = point;
  }
  return best;
}

/** The points of `theirs` on their frontier that none of `ours` equals or beats. */
export function unbeaten<P extends Point>(ours: readonly Point[], theirs: readonly P[]): P[] {
  return frontier(theirs).filter(({ p95, cost }) => {
    const best = cheapestAsFast(ours, p95);
    return best === undefined || best.cost > cost * (1 + TOLERANCE);
  });
}
