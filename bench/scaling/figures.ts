/** The figures that were asked for, measured: each with what to compare it to. Pure. */
import type { Result } from './compare.ts';
import type { Family } from './contenders.ts';
import { cheapestAsFast, frontier, unbeaten } from './frontier.ts';

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
