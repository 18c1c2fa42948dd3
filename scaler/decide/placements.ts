/**
 * Where to launch: the preferred place first, the next one while EC2 has no capacity there, and back again
 * after a delay. Each kind of refusal closes what it applies to, for a delay that grows. Codes are those of
 * EC2’s API reference. Pure.
 */
import type { Place } from '../../cloud/ec2/launch-input.ts';
import type { Settings } from '../../runtime/settings.ts';

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

/** What a refusal applies to: one type in one subnet and market, the type in this market, the subnet, the market, or every launch. */
type Scope = 'place' | 'type' | 'subnet' | 'market' | 'all';

export interface Refusal {
  readonly scope: Scope;
  /** The first delay, and the longest it grows to, in ms. */
  readonly firstMs: number;
  readonly mostMs: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** Hardware or a spot price that may be available again within minutes. */
const CAPACITY: Refusal = { scope: 'place', firstMs: SECOND, mostMs: 2 * MINUTE };
/** Will not change soon by itself. */
const NEVER_HERE: Refusal = { scope: 'place', firstMs: 5 * MINUTE, mostMs: 60 * MINUTE };
const ADDRESSES: Refusal = { scope: 'subnet', firstMs: 5 * SECOND, mostMs: 5 * MINUTE };
const NO_SUBNET: Refusal = { scope: 'subnet', firstMs: MINUTE, mostMs: 60 * MINUTE };
/** Quota is freed when other instances of the account end. */
const QUOTA: Refusal = { scope: 'type', firstMs: 5 * SECOND, mostMs: 5 * MINUTE };
const SPOT_QUOTA: Refusal = { scope: 'market', firstMs: 5 * SECOND, mostMs: 5 * MINUTE };
/** The bucket for RunInstances holds 5 requests and gets 2 a second. */
const THROTTLED: Refusal = { scope: 'all', firstMs: SECOND, mostMs: 30 * SECOND };
/** No answer, or EC2's own error. */
const NO_ANSWER: Refusal = { scope: 'all', firstMs: SECOND, mostMs: MINUTE };
/** Wrong settings or permissions: the operator has to correct them. */
const WRONG = { firstMs: 5 * SECOND, mostMs: 5 * MINUTE };
/** The image and the credentials are the same for every launch. */
const WRONG_EVERYWHERE: Refusal = { scope: 'all', ...WRONG };
/** The first spot request of an account needs a role that this one may not create. */
const NO_SPOT_ROLE: Refusal = { scope: 'market', ...WRONG };
/** A code that is not in the table may apply to this one place only, so the others are tried first. */
const UNLISTED: Refusal = { scope: 'place', ...WRONG };

/** Reasons of EC2 to end an instance that say nothing about its image. */
const OF_THE_MARKET: readonly string[] = [
  'Server.SpotInstanceTermination',
  'Server.SpotInstanceShutdown',
  'Server.InsufficientInstanceCapacity',
];

const REFUSALS: Readonly<Record<string, Refusal>> = {
  InsufficientInstanceCapacity: CAPACITY,
  InsufficientHostCapacity: CAPACITY,
  InsufficientCapacity: CAPACITY,
  SpotMaxPriceTooLow: CAPACITY,
  ...Object.fromEntries(OF_THE_MARKET.map((code) => [code, CAPACITY])),
  Unsupported: NEVER_HERE,
  UnsupportedOperation: NEVER_HERE,
  InsufficientFreeAddressesInSubnet: ADDRESSES,
  InsufficientAddressCapacity: ADDRESSES,
  'InvalidSubnetID.NotFound': NO_SUBNET,
  VcpuLimitExceeded: QUOTA,
  InstanceLimitExceeded: QUOTA,
  MaxSpotInstanceCountExceeded: SPOT_QUOTA,
  'AuthFailure.ServiceLinkedRoleCreationNotPermitted': NO_SPOT_ROLE,
  AuthFailure: WRONG_EVERYWHERE,
  'InvalidAMIID.NotFound': WRONG_EVERYWHERE,
  'InvalidAMIID.Malformed': WRONG_EVERYWHERE,
  'InvalidAMIID.Unavailable': WRONG_EVERYWHERE,
  RequestLimitExceeded: THROTTLED,
  ResourceLimitExceeded: THROTTLED,
  Throttling: THROTTLED,
  InternalError: NO_ANSWER,
  InternalFailure: NO_ANSWER,
  ServiceUnavailable: NO_ANSWER,
  Unavailable: NO_ANSWER,
};

/** @param code undefined when there was no answer */
export function refusalOf(code: string | undefined): Refusal {
  return code === undefined ? NO_ANSWER : (REFUSALS[code] ?? UNLISTED);
}

/** @param code of the reason for which an instance ended */
export function isOfTheMarket(code: string): boolean {
  return OF_THE_MARKET.includes(code);
}

/** Doubles from the kind's first delay to its longest. */
export function delayOf({ firstMs, mostMs }: Refusal, failures: number): number {
  return Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30));
}

/** Missing capacity, e.g. InsufficientInstanceCapacity: EC2 answers with 500, yet it is a definite refusal. */
const NO_CAPACITY = /^Insufficient\w*Capacity$/;

/** EC2's code in an error of the AWS SDK, and whether it is certain that nothing was launched. */
export function readError(error: unknown): { code: string | undefined; refused: boolean } {
  const { name, $metadata } = (error ?? {}) as {
    name?: unknown;
    $metadata?: { httpStatusCode?: unknown };
  };
  const status = $metadata?.httpStatusCode;
  if (typeof status !== 'number') return { code: undefined, refused: false };
  const code = String(name);
  // RequestLimitExceeded (503) counts as no answer: the SDK may have got it on a retry after a lost answer.
  return { code, refused: NO_CAPACITY.test(code) || (status >= 400 && status < 500) };
}
