/**
 * Which instances have fallen silent for good, judged by their leases. Leases vanish when Redis is
 * flushed, lost or away, so silence counts only from when there was a Redis to speak to. Pure.
 */

import type { FleetInstance } from '../../cloud/instances.ts';
import type { LeaseReading } from '../../cloud/leases.ts';
import type { Memory } from './memory.ts';
import { isUp, type Observation } from './observation.ts';

/** An instance speaks once a second; one that has not for this long is hung, cut off or dead. */
export const SILENT_MS = 30_000;

export type Hearing = Pick<Memory, 'lastWords' | 'silenceCountsFrom' | 'allSilent'>;

/** What was heard up to now. Leases that could not be read start every silence anew. */
export function hear({ now, instances, leases }: Observation, memory: Memory): Hearing {
  if (instances === undefined || leases === undefined) {
    return { lastWords: memory.lastWords, silenceCountsFrom: now, allSilent: memory.allSilent };
  }
  const lastWords = new Map<string, number>();
  let speaking = false;
  for (const { id, state } of instances) {
    // A stopped one is silent for good reason: started again, it is as new.
    if (!isUp(state)) continue;
    const before = memory.lastWords.get(id);
    const lease = leases.get(id);
    const word = lease && now - lease.silentMs;
    const last = word === undefined ? before : Math.max(word, before ?? word);
    if (last !== undefined) lastWords.set(id, last);
    speaking ||= lease !== undefined;
  }
  const allSilent = lastWords.size > 0 && !speaking;
  const flushed = allSilent && !memory.allSilent;
  return {
    lastWords,
    allSilent,
    silenceCountsFrom: flushed ? now : (memory.silenceCountsFrom ?? now),
  };
}

/** Why an instance should be replaced without asking it; undefined while it may be well. */
export function whyDead(
  instance: FleetInstance,
  lease: LeaseReading | undefined,
  hearing: Hearing,
  { now, bootMs }: { now: number; bootMs: number },
): string | undefined {
  const from = hearing.silenceCountsFrom ?? now;
  const lastWord = hearing.lastWords.get(instance.id);
  const silentMs = now - Math.max(lastWord ?? from, from);
  if (lastWord !== undefined) {
    if (silentMs > SILENT_MS) return `it has been silent for ${seconds(silentMs)}`;
    // It speaks, but its model never came up; it takes no request before.
    const startingMs = lease?.state === 'starting' ? lease.forMs + lease.silentMs : 0;
    return startingMs > bootMs && lease?.inHand === 0
      ? `it has been starting for ${seconds(startingMs)}`
      : undefined;
  }
  const bootingMs = now - instance.launchedAt;
  // A controller that is new, or had no Redis, cannot know that it never reported: it listens first.
  return bootingMs > bootMs && silentMs > SILENT_MS
    ? `it has not reported within ${seconds(bootMs)} of its launch`
    : undefined;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
