/** Where and when to retry after each error of EC2. Codes are those of its API reference. Pure. */

/** What a refusal applies to: one type in one subnet and market, the type in this market, the subnet, the market, or every launch. */
export type Scope = 'place' | 'type' | 'subnet' | 'market' | 'all';

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
