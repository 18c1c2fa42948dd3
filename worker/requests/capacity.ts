/** How many requests a worker takes at a time, by its measured speed. Pure. */

/** The most messages that one SQS receive returns. */
const MOST_IN_HAND = 10;
/** One is computed while the next one's photo is fetched. */
const LEAST_CAPACITY = 2;
/**
 * A worker takes what it can finish in this time. More would leave other workers idle while this one holds the
 * requests; less would make it wait for the queue between two photos.
 */
const LOOKAHEAD_MS = 1000;
/** Weight of the newest measurement: follows a change within about ten photos. */
const NEWEST = 0.2;

/** @param serviceMs measured time for one photo; undefined before the first */
export function capacity(serviceMs: number | undefined): number {
  if (serviceMs === undefined) return LEAST_CAPACITY;
  const withinLookahead = Math.floor(LOOKAHEAD_MS / Math.max(serviceMs, 1));
  return Math.min(Math.max(withinLookahead, LEAST_CAPACITY), MOST_IN_HAND);
}

/**
 * How many to receive now; 0 to wait until more are done. It receives when half of the capacity is free:
 * every call costs, and the other half keeps the processor busy meanwhile.
 */
export function receivable(inHand: number, serviceMs: number | undefined): number {
  const most = capacity(serviceMs);
  const room = most - inHand;
  return room >= Math.ceil(most / 2) ? room : 0;
}

/** Exponentially weighted mean of the time for one photo. */
export function nextServiceMs(before: number | undefined, measuredMs: number): number {
  return before === undefined ? measuredMs : before + NEWEST * (measuredMs - before);
}
