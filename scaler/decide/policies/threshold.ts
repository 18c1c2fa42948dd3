/**
 * The course's rule: scale out to one instance per request when pressure exceeds the threshold, scale in when the
 * queue is empty and instances have been idle for the set time. Below the threshold one instance serves,
 * or the last few requests would wait until their time limit.
 */
import { inWords, type Policy } from './policy.ts';

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
