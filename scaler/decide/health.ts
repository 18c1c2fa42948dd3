/**
 * Which instances are dead, judged by their leases. Leases vanish when Redis is
 * flushed, lost or unreachable, so silence counts only while Redis could be read. Pure.
 */
import type { FleetInstance } from '../../cloud/ec2/instances.ts';
import type { LeaseReading } from '../../cloud/redis/leases.ts';
import type { Memory } from './memory.ts';
import { isUp, type Observation } from './observation.ts';

/** An instance reports once a second; one that has not for this long is hung, cut off or dead. */
export const SILENT_MS = 30_000;

export type Silence = Pick<Memory, 'lastHeardAt' | 'silenceCountsFrom' | 'allSilent'>;

/** When each instance was last heard. Leases that could not be read restart every silence. */
export function trackSilence({ now, instances, leases }: Observation, memory: Memory): Silence {
  if (instances === undefined || leases === undefined) {
    return { lastHeardAt: memory.lastHeardAt, silenceCountsFrom: now, allSilent: memory.allSilent };
  }
  const lastHeardAt = new Map<string, number>();
  let speaking = false;
  for (const { id, state } of instances) {
    // A stopped instance does not report; after a start it counts as new.
    if (!isUp(state)) continue;
    const before = memory.lastHeardAt.get(id);
    const lease = leases.get(id);
    const word = lease && now - lease.silentMs;
    const last = word === undefined ? before : Math.max(word, before ?? word);
    if (last !== undefined) lastHeardAt.set(id, last);
    speaking ||= lease !== undefined;
  }
  const allSilent = lastHeardAt.size > 0 && !speaking;
  const flushed = allSilent && !memory.allSilent;
  return {
    lastHeardAt,
    allSilent,
    silenceCountsFrom: flushed ? now : (memory.silenceCountsFrom ?? now),
  };
}

/** Why an instance should be replaced without asking it; undefined while it may be well. */
export function whyDead(
  instance: FleetInstance,
  lease: LeaseReading | undefined,
  silence: Silence,
  { now, bootMs }: { now: number; bootMs: number },
): string | undefined {
  const from = silence.silenceCountsFrom ?? now;
  const lastWord = silence.lastHeardAt.get(instance.id);
  const silentMs = now - Math.max(lastWord ?? from, from);
  if (lastWord !== undefined) {
    if (silentMs > SILENT_MS) return `it has been silent for ${seconds(silentMs)}`;
    // It reports, but its model never loaded, so it takes no requests.
    const startingMs = lease?.state === 'starting' ? lease.forMs + lease.silentMs : 0;
    return startingMs > bootMs && lease?.inHand === 0
      ? `it has been starting for ${seconds(startingMs)}`
      : undefined;
  }
  const bootingMs = now - instance.launchedAt;
  // A scaler that is new, or had no Redis, cannot know that the instance never reported: it listens first.
  return bootingMs > bootMs && silentMs > SILENT_MS
    ? `it has not reported within ${seconds(bootMs)} of its launch`
    : undefined;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
