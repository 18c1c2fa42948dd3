/**
 * Where to launch: the preferred place first, the next one while EC2 has no capacity there, and back again
 * after a delay. Each kind of refusal closes what it applies to, for a delay that grows. Pure.
 */
import type { Place } from '../../../cloud/ec2/launch-input.ts';
import type { Settings } from '../../../runtime/settings.ts';
import { delayOf, refusalOf, type Scope } from './refusals.ts';

/** What is closed: `all`, `spot`, a type, a subnet or one place. */
export type Closures = ReadonlyMap<string, Closure>;

export interface Closure {
  /** In a row, counted by tick. */
  readonly failures: number;
  /** ms since 1970. */
  readonly until: number;
  /** EC2's code, or `no answer`. */
  readonly code: string;
}

/** After this time without a failure, delays start small again. */
const FORGET_FAILURES_MS = 15 * 60_000;

/** Every place that the settings allow, the preferred one first: another subnet before another type, spot before on-demand. */
export function placesOf({
  INSTANCE_TYPE,
  SUBNET_ID,
  SPOT,
}: Pick<Settings, 'INSTANCE_TYPE' | 'SUBNET_ID' | 'SPOT'>): Place[] {
  const markets = { no: [false], prefer: [true, false], only: [true] }[SPOT];
  const subnets = SUBNET_ID?.split(',') ?? [undefined];
  return markets.flatMap((spot) =>
    INSTANCE_TYPE.split(',').flatMap((instanceType) =>
      subnets.map((subnetId) => ({ instanceType, subnetId, spot })),
    ),
  );
}

/** The first place that nothing closes; undefined when all are closed. */
export function openPlace(
  places: readonly Place[],
  closures: Closures,
  now: number,
): Place | undefined {
  return places.find((place) =>
    SCOPES.every((scope) => (closures.get(keyOf(scope, place))?.until ?? 0) <= now),
  );
}

/** When the next launch may be tried; undefined when one may be now. */
export function nextTry(
  places: readonly Place[],
  closures: Closures,
  now: number,
): number | undefined {
  if (openPlace(places, closures, now) !== undefined) return undefined;
  const opens = places.map((place) =>
    Math.max(...SCOPES.map((scope) => closures.get(keyOf(scope, place))?.until ?? 0)),
  );
  return Math.min(...opens);
}

/**
 * Closes what the refusal applies to.
 * @param random from 0 to 1: takes up to half of the delay, so that several scalers do not ask together
 */
export function close(
  closures: Closures,
  place: Place,
  code: string | undefined,
  { now, random }: { now: number; random: number },
): Closures {
  const refusal = refusalOf(code);
  const key = keyOf(refusal.scope, place);
  const before = closures.get(key);
  const recent = before !== undefined && now - before.until < FORGET_FAILURES_MS;
  const failures = recent ? before.failures + 1 : 1;
  const until = now + delayOf(refusal, failures) * (1 - random / 2);
  return new Map(closures).set(key, { failures, until, code: code ?? 'no answer' });
}

/** A launch succeeded there: opens everything that applies to this place. */
export function reopen(closures: Closures, place: Place): Closures {
  const kept = new Map(closures);
  for (const scope of SCOPES) kept.delete(keyOf(scope, place));
  return kept;
}

/** `c7i.large in subnet-1 as spot` */
export function placeName({ instanceType, subnetId, spot }: Place): string {
  return `${instanceType}${subnetId === undefined ? '' : ` in ${subnetId}`}${spot ? ' as spot' : ''}`;
}

const SCOPES = ['all', 'market', 'type', 'subnet', 'place'] as const satisfies Scope[];

function keyOf(scope: Scope, place: Place): string {
  const { instanceType, subnetId = 'the default subnet', spot } = place;
  const market = spot ? 'spot' : 'on-demand';
  return {
    all: 'all',
    market,
    // Quotas are counted apart for each market.
    type: `${instanceType} ${market}`,
    subnet: subnetId,
    place: `${instanceType} in ${subnetId} ${market}`,
  }[scope];
}
