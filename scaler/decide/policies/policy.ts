/**
 * What a scaling policy sees and what it answers: a summary of the situation in numbers, and a wish for a
 * number of instances, kept within MIN_INSTANCES. Pure. Does not know how a wish is carried out.
 */
import type { Settings } from '../../../runtime/settings.ts';
import type { Cause } from '../actions.ts';
import type { Demand } from '../observation.ts';

export type ScalingSettings = Pick<
  Settings,
  | 'SCALE_POLICY'
  | 'MAX_INSTANCES'
  | 'MIN_INSTANCES'
  | 'SCALE_OUT_THRESHOLD'
  | 'BACKLOG_PER_INSTANCE'
  | 'LATENCY_SECONDS'
  | 'SLACK_SHARE'
  | 'KEEP_SECONDS'
  | 'IDLE_SECONDS'
  | 'BOOT_SECONDS'
  | 'REQUEST_SECONDS'
>;

/** What a policy decides by: numbers only, so that the service and the simulator can both fill it in. */
export interface Situation {
  /** ms since 1970, or of simulated time. */
  readonly now: number;
  readonly demand: Demand;
  /** Requests that wait, and requests in work; together the known demand. */
  readonly visible: number;
  readonly inFlight: number;
  /** Seconds since the oldest request came; undefined when none is known. */
  readonly oldestSeconds: number | undefined;
  /** Seconds for which nothing has waited or been in work; undefined while something is, or may be. */
  readonly emptySeconds: number | undefined;
  /** Instances that take work. */
  readonly serving: number;
  /** Seconds since launch of each instance on its way. */
  readonly booting: readonly number[];
  /** Measured; see `measure.ts`. Service is that of one request by one instance. */
  readonly arrivalsPerSecond: number;
  /** A lower bound of the present rate: sees a crowd within seconds, and does not mistake a single burst for one. */
  readonly freshArrivalsPerSecond: number;
  readonly serviceSeconds: number;
  /** From launch to taking work, measured. */
  readonly bootSeconds: number;
}

/** At least `to` instances should serve or be on their way. */
export interface Grow {
  readonly kind: 'grow';
  readonly to: number;
  readonly reason: string;
  /** Set where it is not demand. */
  readonly cause?: Cause;
}

/** Instances that are idle long enough may be drained, down to `to`. */
export interface Shrink {
  readonly kind: 'shrink';
  readonly to: number;
  readonly reason: string;
  /** How long an instance must have been idle. */
  readonly idleSeconds: number;
  /** Seconds for which the policy must have wanted to shrink, without a break; 0 when left out. */
  readonly keepSeconds?: number;
  /** One launched less than `forSeconds` ago must have been idle for this long instead. */
  readonly young?: { readonly forSeconds: number; readonly idleSeconds: number };
}

/** `hold` leaves the fleet as it is. */
export type Wish = Grow | Shrink | { readonly kind: 'hold'; readonly reason: string };

/** Pure. Wishes for a number; `decide` says which instances, and whether it is safe. */
export type Policy = (situation: Situation, settings: ScalingSettings) => Wish;

/** Instances that serve or are on their way. */
export function fleetOf({ serving, booting }: Pick<Situation, 'serving' | 'booting'>): number {
  return serving + booting.length;
}

/** The policy's wish, raised to MIN_INSTANCES, which applies to every policy. */
export function wishOf(policy: Policy, situation: Situation, settings: ScalingSettings): Wish {
  const wish = policy(situation, settings);
  const least = Math.min(settings.MIN_INSTANCES, settings.MAX_INSTANCES);
  if (fleetOf(situation) < least && !(wish.kind === 'grow' && wish.to >= least)) {
    const reason = `the minimum is ${least}`;
    return { kind: 'grow', to: least, reason, cause: 'smallest-fleet' };
  }
  if (wish.kind !== 'shrink' || wish.to >= least) return wish;
  if (fleetOf(situation) === least) {
    return { kind: 'hold', reason: `${wish.reason}; the minimum is ${least}` };
  }
  return { ...wish, to: least };
}

/** @param requests waiting or in work */
export function inWords(requests: number): string {
  return requests === 1
    ? '1 request is waiting or in progress'
    : `${requests} requests are waiting or in progress`;
}
