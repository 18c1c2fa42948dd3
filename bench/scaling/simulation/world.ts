/**
 * What every simulation shares: the load, what an instance takes and costs, what a scaler sees and orders,
 * and what comes out. No simulation runs here; all times are in seconds of simulated time from 0.
 */
import type { Shrink } from '../../../scaler/decide/policies/policy.ts';
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
  /** Bills run at least this long; a fleet that stays is billed to here. */
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
  /** How many serving instances have been idle for at least this many seconds. */
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
  /** For oracles: instances ready at a time, to drain at another. */
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

const FINEST_SECONDS = 1e-3;
const RATIO = 1.01;
const LOG_RATIO = Math.log(RATIO);
const BINS = 1900; // Up to 1e-3 × 1.01^1900 s, about five years.

/** Latencies with weights, in logarithmic bins of 1 %: a day of 1e9 requests takes no more room than one of ten. */
export class Latencies {
  readonly #bins = new Float64Array(BINS);
  #count = 0;
  #sum = 0;
  #worst = 0;

  /** @param weight number of requests that took this long */
  add(seconds: number, weight = 1): void {
    if (!(weight > 0)) return;
    const bin = Math.ceil(Math.log(Math.max(seconds, FINEST_SECONDS) / FINEST_SECONDS) / LOG_RATIO);
    this.#bins[Math.min(BINS - 1, bin)]! += weight;
    this.#count += weight;
    this.#sum += seconds * weight;
    if (seconds > this.#worst) this.#worst = seconds;
  }

  merge(other: Latencies): void {
    for (let bin = 0; bin < BINS; bin++) this.#bins[bin]! += other.#bins[bin]!;
    this.#count += other.#count;
    this.#sum += other.#sum;
    this.#worst = Math.max(this.#worst, other.#worst);
  }

  get count(): number {
    return this.#count;
  }
  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }
  get worst(): number {
    return this.#worst;
  }

  /** Seconds, nearest rank, too long by at most 1 %; 0 when there is none. 0 < percent <= 100. */
  percentile(percent: number): number {
    if (this.#count === 0) return 0;
    // Weights are sums of fractions: without the slack, rounding could ask for more than there is.
    let left = (percent / 100) * this.#count * (1 - 1e-9);
    for (let bin = 0; bin < BINS; bin++) {
      left -= this.#bins[bin]!;
      if (left <= 0) return Math.min(this.#worst, FINEST_SECONDS * RATIO ** bin);
    }
    return this.#worst;
  }
}

/**
 * EC2 bills Linux instances by the second, at least a minute each ("Announcing Amazon EC2 per second
 * billing", AWS, 2 October 2017). Billed here from the launch, though EC2 begins a little later, when the
 * instance is `running`: the same for every policy, and on the safe side.
 */
const LEAST_BILLED_SECONDS = 60;

/** On demand, t3.small in us-east-1 at the time of writing; `--price` sets another. */
export const DEFAULT_DOLLARS_PER_HOUR = 0.0208;

/** @param seconds launch to end */
export function billedSeconds(seconds: number): number {
  return Math.max(LEAST_BILLED_SECONDS, Math.ceil(seconds - 1e-6));
}
