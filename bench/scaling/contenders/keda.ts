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
 * fast as ours; a pod that is told to end finishes its request (a grace period, SIGTERM handled).
 */
import type { Scaler } from '../simulation/world.ts';

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
