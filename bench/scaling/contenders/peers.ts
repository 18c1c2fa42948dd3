/**
 * Scalers of others, as their documentation says: EC2 Auto Scaling on CloudWatch alarms, in the two ways that
 * AWS documents for queues (target tracking and step scaling), and KEDA with its aws-sqs-queue trigger.
 */
import type { Scaler } from '../simulation/world.ts';

export interface TargetTrackingSettings {
  /** Messages an instance. */
  readonly target: number;
  /** Minimum capacity. */
  readonly least: number;
}

const OUT_PERIODS = 3;
const IN_PERIODS = 15;
const IN_BELOW = 0.9;

/**
 * EC2 Auto Scaling with target tracking on the backlog per instance, as AWS documents it for queues
 * (EC2 Auto Scaling User Guide: "Scaling policy based on Amazon SQS", "Target tracking scaling policies").
 *
 * - The metric is visible messages / instances in service, once a minute.
 * - Out when 3 of 3 minutes are above the target, in when 15 of 15 are below 90 % of it: the alarms that
 *   Auto Scaling makes for such a policy. Capacity becomes ⌈capacity × metric / target⌉.
 * - No scale-in while an instance warms up; capacity that warms up is not asked for twice.
 * - With no instance in service the metric has no value, and 0 × anything is 0: such a group never leaves
 *   zero by itself. People keep one instance (`least` 1), or add a step policy that wakes it from zero when
 *   a message is visible in one period (`least` 0, modelled so).
 *
 * Assumed in its favour: in goes the whole proportion at once (AWS says "more gradually"), and an
 * instance chosen to go ends its request first (a lifecycle hook; without one it is cut off).
 */
export function targetTracking({ target, least }: TargetTrackingSettings, most: number): Scaler {
  const out = new Alarm(OUT_PERIODS, (value) => value > target);
  const into = new Alarm(IN_PERIODS, (value) => value < IN_BELOW * target);
  let capacity = least;
  return {
    tick({ now, visible, serving, booting }) {
      if (now % PERIOD_SECONDS === 0) {
        if (capacity === 0) {
          if (visible > 0) capacity = 1;
        } else if (serving > 0) {
          const metric = visible / serving;
          const proportional = Math.ceil((serving * metric) / target);
          const [above, below] = [out.put(metric), into.put(metric)];
          if (above) capacity = Math.min(most, Math.max(capacity, proportional));
          else if (below && booting.length === 0)
            capacity = Math.max(least, Math.min(capacity, proportional));
        }
      }
      const difference = capacity - serving - booting.length;
      return difference > 0 ? { launch: difference } : { remove: -difference };
    },
  };
}

export interface StepScalingSettings {
  readonly perInstance: number;
  readonly quietMinutes: number;
  readonly least: number;
}

/**
 * EC2 Auto Scaling with step scaling on the visible messages (EC2 Auto Scaling User Guide: "Step and simple
 * scaling policies"). Steps of exact capacity that double: one instance from the first message on, two
 * from `perInstance`, four from twice that, by the same rule further up; one period of a minute is enough to
 * step out, and steps out only go up. Back to `least` when nothing is visible for `quietMinutes` in a row, and no instance
 * warms up. An instance chosen to go ends its request first, as with target tracking.
 */
export function stepScaling(
  { perInstance, quietMinutes, least }: StepScalingSettings,
  most: number,
): Scaler {
  const quiet = new Alarm(quietMinutes, (visible) => visible === 0);
  let capacity = least;
  return {
    tick({ now, visible, serving, booting }) {
      if (now % PERIOD_SECONDS === 0) {
        const steps = Math.max(0, Math.floor(Math.log2(visible / perInstance)) + 1);
        const wanted = visible === 0 ? 0 : 2 ** steps;
        capacity = Math.min(most, Math.max(capacity, wanted));
        if (quiet.put(visible) && booting.length === 0) capacity = least;
      }
      const difference = capacity - serving - booting.length;
      return difference > 0 ? { launch: difference } : { remove: -difference };
    },
  };
}

const PERIOD_SECONDS = 60;

/** A CloudWatch alarm on a metric of one-minute periods: M of M datapoints, missing ones ignored. */
export class Alarm {
  readonly #breaches: (value: number) => boolean;
  readonly #periods: number;
  #inARow = 0;

  /** @param periods datapoints in a row that must breach */
  constructor(periods: number, breaches: (value: number) => boolean) {
    this.#periods = periods;
    this.#breaches = breaches;
  }

  /** Takes one datapoint. @returns whether the alarm is on */
  put(value: number): boolean {
    this.#inARow = this.#breaches(value) ? this.#inARow + 1 : 0;
    return this.#inARow >= this.#periods;
  }
}

export interface KedaSettings {
  readonly queueLength: number;
  readonly activationQueueLength: number;
  readonly minReplicaCount: number;
  readonly pollingInterval: number;
  readonly cooldownPeriod: number;
  readonly stabilizationWindowSeconds: number;
}

/** The documented defaults. */
export const kedaDefaults: KedaSettings = {
  queueLength: 5,
  activationQueueLength: 0,
  minReplicaCount: 0,
  pollingInterval: 30,
  cooldownPeriod: 300,
  stabilizationWindowSeconds: 300,
};

const SYNC_SECONDS = 15;
/** Its clock is not KEDA's: half a period apart is the mean of all. */
const SYNC_PHASE = 8;
const TOLERANCE = 0.1;
const UP_PODS = 4;

/**
 * KEDA with its aws-sqs-queue trigger, as documented (keda.sh/docs/latest: scalers/aws-sqs and
 * reference/scaledobject-spec; kubernetes.io: Horizontal Pod Autoscaling).
 *
 * - Between 0 and 1, KEDA itself: every `pollingInterval` it activates when the metric is above
 *   `activationQueueLength`, and goes to zero once it has not been active for `cooldownPeriod`.
 * - From 1 on, the Horizontal Pod Autoscaler: every 15 s it wants ⌈metric / queueLength⌉ pods, unless that
 *   is within 10 % of what there is; up by at most 4 pods or 100 % in 15 s, whichever is more; down to
 *   the most it wanted within the stabilization window.
 * - The metric is visible plus in-flight messages (`scaleOnInFlight`, on by default).
 *
 * Assumed in its favour: a pod is an instance of its own, so the node goes when the pod goes, and boots as
 * fast as ours; a pod that gets SIGTERM finishes its request (a grace period, SIGTERM handled).
 */
export function keda(settings: KedaSettings, maxReplicaCount: number): Scaler {
  let replicas = 0;
  let lastActive = Number.NEGATIVE_INFINITY;
  let wanted: { at: number; count: number }[] = [];

  const activation = (now: number, metric: number): number => {
    if (metric > settings.activationQueueLength) {
      lastActive = now;
      return Math.max(replicas, settings.minReplicaCount, 1);
    }
    if (settings.minReplicaCount === 0 && now - lastActive >= settings.cooldownPeriod) return 0;
    return Math.max(replicas, settings.minReplicaCount);
  };
  const autoscaler = (now: number, metric: number): number => {
    const ratio = metric / (settings.queueLength * replicas);
    const steady = Math.abs(ratio - 1) <= TOLERANCE;
    const desired = steady ? replicas : Math.ceil(metric / settings.queueLength);
    const least = Math.max(1, settings.minReplicaCount);
    const bounded = Math.min(maxReplicaCount, Math.max(least, desired));
    wanted.push({ at: now, count: bounded });
    wanted = wanted.filter(({ at }) => now - at <= settings.stabilizationWindowSeconds);
    if (bounded >= replicas) return Math.min(bounded, Math.max(replicas + UP_PODS, 2 * replicas));
    return Math.min(replicas, Math.max(...wanted.map(({ count }) => count)));
  };

  return {
    tick({ now, visible, inFlight, serving, booting }) {
      const metric = visible + inFlight;
      if (now % settings.pollingInterval === 0 || now === 1) replicas = activation(now, metric);
      // The autoscaler is off while the target has no replicas.
      if (replicas === 0) wanted = [];
      else if (now % SYNC_SECONDS === SYNC_PHASE) replicas = autoscaler(now, metric);
      const difference = replicas - serving - booting.length;
      return difference > 0 ? { launch: difference } : { remove: -difference };
    },
  };
}
