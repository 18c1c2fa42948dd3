/**
 * Removes stale pressure: requests that neither the queue nor any instance has any more (their web node
 * or worker died at a bad moment, or Redis came back with an old state). Pure.
 */
import type { Forgetting } from './actions.ts';
import type { Memory } from './memory.ts';
import { type Observation, queued, RECENT_MS } from './observation.ts';

/** Pressure that no queue and no instance accounts for is removed after this time … */
export const FORGET_MS = RECENT_MS;
/** … and at least this many readings in a row, since SQS's counts are approximate. */
export const FORGET_READINGS = 5;

/** Since when nothing is queued or in hand; undefined when something is, or it cannot be known. */
export function emptySince(
  { now, depth, leases }: Observation,
  { empty }: Pick<Memory, 'empty'>,
): Memory['empty'] {
  if (depth === undefined || leases === undefined || queued(depth) > 0) return undefined;
  for (const { inHand } of leases.values()) if (inHand > 0) return undefined;
  return { since: empty?.since ?? now, readings: (empty?.readings ?? 0) + 1 };
}

export function forgetPressure(
  { now, pressure }: Observation,
  empty: Memory['empty'],
): Forgetting[] {
  if (empty === undefined || empty.readings < FORGET_READINGS) return [];
  const before = now - FORGET_MS;
  const oldestAt = pressure?.oldestAt ?? before;
  if (empty.since > before || oldestAt >= before) return [];
  const reason = 'nothing has been queued or in progress for longer than requests are counted';
  return [{ kind: 'forget-pressure', before, olderThanMs: FORGET_MS, cause: 'lost', reason }];
}
