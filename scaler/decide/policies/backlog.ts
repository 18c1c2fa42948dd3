/**
 * So many requests to an instance, waiting and in work together: ⌈requests / target⌉, the formula of
 * KEDA's SQS trigger and of AWS's "backlog per instance". Up to the activation threshold one serves all.
 */
import { fleetOf, inWords, type Policy } from './policy.ts';

export const backlog: Policy = (situation, settings) => {
  const { known, certain } = situation.demand;
  const { BACKLOG_PER_INSTANCE: target, SCALE_OUT_THRESHOLD: activation } = settings;
  if (known === undefined) {
    return { kind: 'hold', reason: 'neither the pressure nor the queue could be read' };
  }
  const wanted = known > activation ? Math.ceil(known / target) : Math.min(1, known);
  const to = Math.min(settings.MAX_INSTANCES, wanted);
  const reason = reasonOf({ known, wanted, to, target, activation });
  const have = fleetOf(situation);
  if (to > have) return { kind: 'grow', to, reason };
  if (to === have) return { kind: 'hold', reason };
  if (!certain) {
    return { kind: 'hold', reason: 'one of pressure and queue could not be read: nobody goes' };
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
  const limit = to < wanted ? `, of which the largest fleet allows ${to}` : '';
  return `${inWords(known)}, ${target} to an instance: ${wanted} wanted${limit}`;
}
