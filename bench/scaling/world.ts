/**
 * What every simulation shares: the load, what an instance takes and costs, what a scaler sees and orders,
 * and what comes out. Data only; all times are in seconds of simulated time from 0.
 */
import type { Shrink } from '../../scaler/decide/policies/policy.ts';
import type { Latencies } from './latencies.ts';
import type { ServiceTime } from './random.ts';

/** A load request by request, or, when there are too many, how many in each second. */
export type Load =
  | { readonly kind: 'requests'; readonly arrivals: Float64Array }
  | { readonly kind: 'counts'; readonly perSecond: Float64Array };

export interface World {
  readonly service: ServiceTime;
  /** Launch to ready, uniform between the two. Instances are billed meanwhile. */
  readonly boot: { readonly least: number; readonly most: number };
  /** From the wish to drain to the end of the bill of an instance that was idle: the next heartbeat and the call. */
  readonly drainSeconds: number;
  readonly maxInstances: number;
  /** Bills run at least so long; a fleet that stays is billed to here. */
  readonly horizon: number;
  readonly seed: number;
}

export const defaultWorld = {
  service: { mean: 0.1, shape: 'erlang-4' },
  boot: { least: 35, most: 55 },
  drainSeconds: 2,
} as const satisfies Partial<World>;

export function meanBoot({ boot }: Pick<World, 'boot'>): number {
  return (boot.least + boot.most) / 2;
}

/** What a scaler may look at, once a second. Nothing of the future is in it. */
export interface View {
  readonly now: number;
  /** Requests that wait. */
  readonly visible: number;
  /** Requests in work. */
  readonly inFlight: number;
  /** Seconds that the oldest waiting request has waited; 0 when none waits. */
  readonly oldest: number;
  /** Instances that take work. */
  readonly serving: number;
  /** Seconds since launch of every instance that is not ready yet; may list only as many as matter. */
  readonly booting: readonly number[];
  /** Requests that arrived since the last look. */
  readonly arrived: number;
  /** Requests finished since the last look, and the seconds of work in them. */
  readonly finished: number;
  readonly worked: number;
  /** Boot times seen since the last look: their count and sum. */
  readonly booted: number;
  readonly bootedSeconds: number;
  /** How many serving instances have been idle for at least so many seconds. */
  idleFor(seconds: number): number;
}

export interface Order {
  readonly launch?: number;
  /** Instances to drain, of those idle for at least `idleSeconds`. */
  readonly drain?: Drain;
  /** Instances to remove whatever they do: those that boot first, then the newest; a busy one ends its request. */
  readonly remove?: number;
}

export interface Drain {
  readonly count: number;
  readonly idleSeconds: number;
  /** As in a policy's wish. */
  readonly young?: Shrink['young'];
}

/** A scaler of one run; it may remember. Asked once a second; one with a longer period holds in between. */
export interface Scaler {
  tick(view: View): Order;
  /** For those who know the future: instances ready at a time, to drain at another. */
  readonly plan?: readonly Planned[];
}

export interface Planned {
  readonly readyAt: number;
  readonly drainAt: number;
}

/** The fleet and the queue at one time, for pictures. */
export interface Moment {
  readonly at: number;
  readonly alive: number;
  readonly serving: number;
  readonly queued: number;
}

export interface Outcome {
  readonly latencies: Latencies;
  /** Billed seconds of all instances together. */
  readonly instanceSeconds: number;
  readonly launches: number;
  readonly mostAlive: number;
  /** Requests never answered: those still there when two horizons have passed. */
  readonly unserved: number;
  /** When the last request was done. */
  readonly finishedAt: number;
}
