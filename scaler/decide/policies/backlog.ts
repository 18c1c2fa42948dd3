/**
 * A fixed number of requests per instance, waiting and in progress together: ⌈requests / target⌉, the formula of
 * KEDA's SQS trigger and of AWS's "backlog per instance". Up to the activation threshold one instance serves all.
 */
import { fleetOf, inWords, type Policy } from './policy.ts';

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
