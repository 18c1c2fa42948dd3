/**
 * The policies by the name that the setting SCALE_POLICY gives them, and the two that need nothing but a
 * count of requests: `threshold` and `backlog`.
 */
import type { Settings } from '../../../runtime/settings.ts';
import { drainTime } from './drain-time.ts';
import { fleetOf, inWords, type Policy } from './policy.ts';

/**
 * The course's rule: scale out to one instance per request when pressure exceeds the threshold, scale in when the
 * queue is empty and instances have been idle for the set time. Below the threshold one instance serves,
 * or the last few requests would wait until their time limit.
 */
export const threshold: Policy = ({ demand: { known, certain } }, settings) => {
  if (known === undefined) {
    return { kind: 'hold', reason: 'pressure and queue are unreadable' };
  }
  if (known > settings.SCALE_OUT_THRESHOLD) {
    const to = Math.min(settings.MAX_INSTANCES, known);
    const limit = to < known ? `, limited to ${to} by MAX_INSTANCES` : '';
    return {
      kind: 'grow',
      to,
      reason: `${inWords(known)}, more than the threshold of ${settings.SCALE_OUT_THRESHOLD}: one instance each${limit}`,
    };
  }
  if (known > 0) {
    const reason = `${inWords(known)}, no more than the threshold of ${settings.SCALE_OUT_THRESHOLD}: one instance for all`;
    return { kind: 'grow', to: 1, reason };
  }
  if (certain) {
    return {
      kind: 'shrink',
      to: 0,
      reason: 'the queue is empty',
      idleSeconds: settings.IDLE_SECONDS,
    };
  }
  return {
    kind: 'hold',
    reason: 'pressure or queue is unreadable, the other one is empty',
  };
};

/**
 * A fixed number of requests per instance, waiting and in progress together: ⌈requests / target⌉, the formula of
 * KEDA's SQS trigger and of AWS's "backlog per instance". Up to the activation threshold one instance serves all.
 */
export const backlog: Policy = (situation, settings) => {
  const { known, certain } = situation.demand;
  const { BACKLOG_PER_INSTANCE: target, SCALE_OUT_THRESHOLD: activation } = settings;
  if (known === undefined) {
    return { kind: 'hold', reason: 'pressure and queue are unreadable' };
  }
  const wanted = known > activation ? Math.ceil(known / target) : Math.min(1, known);
  const to = Math.min(settings.MAX_INSTANCES, wanted);
  const reason = reasonOf({ known, wanted, to, target, activation });
  const have = fleetOf(situation);
  if (to > have) return { kind: 'grow', to, reason };
  if (to === have) return { kind: 'hold', reason };
  if (!certain) {
    return { kind: 'hold', reason: 'pressure or queue is unreadable: no scale-in' };
  }
  return { kind: 'shrink', to, reason, idleSeconds: settings.IDLE_SECONDS };
};

function reasonOf({
  known,
  wanted,
  to,
  target,
  activation,
}: Record<'known' | 'wanted' | 'to' | 'target' | 'activation', number>): string {
  if (known === 0) return 'the queue is empty';
  if (known <= activation) {
    return `${inWords(known)}, no more than the threshold of ${activation}: one instance for all`;
  }
  const limit = to < wanted ? `, limited to ${to} by MAX_INSTANCES` : '';
  return `${inWords(known)}, ${target} per instance: ${wanted} wanted${limit}`;
}

export const policies: Readonly<Record<Settings['SCALE_POLICY'], Policy>> = {
  threshold,
  backlog,
  'drain-time': drainTime,
};
