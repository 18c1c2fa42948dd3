/**
 * The course's rule: out to one instance a request when pressure passes the threshold, in when the
 * queue is empty and instances have been idle for the set time.
 */
import { demandOf, type Policy } from '../policy.ts';

export const threshold: Policy = (observation, settings) => {
  const { known, certainlyNone } = demandOf(observation);
  if (known === undefined) {
    return { kind: 'hold', reason: 'neither the pressure nor the queue could be read' };
  }
  if (known > settings.SCALE_OUT_THRESHOLD) {
    const to = Math.min(settings.MAX_INSTANCES, known);
    const limit = to < known ? `, of which the largest fleet allows ${to}` : '';
    return {
      kind: 'grow',
      to,
      reason: `${known} requests wait or are in work, more than the threshold of ${settings.SCALE_OUT_THRESHOLD}: one instance each${limit}`,
    };
  }
  if (certainlyNone) return { kind: 'shrink', to: 0, reason: 'the queue is empty' };
  return known === 0
    ? { kind: 'hold', reason: 'one of pressure and queue could not be read, the other is empty' }
    : { kind: 'hold', reason: 'there is work, but no more than the threshold' };
};
