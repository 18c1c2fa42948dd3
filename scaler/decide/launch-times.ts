/**
 * Launch times by this scaler's own clock. EC2's clock may be ahead or behind by any amount, so
 * an instance counts from when this controller launched or started it, or else first saw it. Pure.
 */
import type { FleetInstance } from '../../cloud/ec2/instances.ts';
import type { Launch, Memory } from './memory.ts';

/** EC2's list may lack an instance for a while; what is away for longer is gone. */
const KEPT_MS = 60_000;

export function firstSightsOf(
  instances: readonly FleetInstance[],
  { firstSights, launches, starts }: Pick<Memory, 'firstSights' | 'launches' | 'starts'>,
  now: number,
): Memory['firstSights'] {
  const seen = new Map([...firstSights].filter(([, { seenAt }]) => now - seenAt <= KEPT_MS));
  const launchOf = finder(launches);
  for (const instance of instances) {
    const { id, launchedAt } = instance;
    const before = firstSights.get(id);
    if (before?.launchedAt === launchedAt) {
      seen.set(id, { ...before, seenAt: now });
      continue;
    }
    const askedAt =
      starts.get(id) ?? (before === undefined ? launchOf(instance)?.askedAt : undefined);
    seen.set(id, { launchedAt, at: askedAt ?? now, seenAt: now, isOurs: askedAt !== undefined });
  }
  return seen;
}

/** A launch without an answer has no id yet; its number is its own. */
function finder(launches: readonly Launch[]): (instance: FleetInstance) => Launch | undefined {
  const byId = new Map(launches.map((launch) => [launch.instanceId, launch]));
  const unsure = launches.filter(({ instanceId }) => instanceId === undefined);
  const byNumber = new Map(unsure.map((launch) => [launch.number, launch]));
  return ({ id, number }) => byId.get(id) ?? byNumber.get(number);
}

/** The instances with their launch times by this controller's clock. */
export function inOwnTime(
  instances: readonly FleetInstance[],
  firstSights: Memory['firstSights'],
): readonly FleetInstance[] {
  return instances.map((instance) => ({
    ...instance,
    launchedAt: firstSights.get(instance.id)?.at ?? instance.launchedAt,
  }));
}
