/** Cost against latency: which results no other beats, and how far one is from others. Pure. */

export interface Point {
  /** Instance-seconds. */
  readonly cost: number;
  /** Seconds. */
  readonly p95: number;
}

/** Two results this close count as equal: the luck of a few boots moves them by as much. */
export const TOLERANCE = 0.02;
/** Nor does anyone tell apart latencies this close, in seconds. */
export const TOLERANCE_SECONDS = 0.1;

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
