/**
 * Requests whose client has disconnected are done after all others: in an overload they would otherwise be all that is
 * done. Such a request goes to the end of the queue while others wait, and is done when none does or when it was
 * postponed often, since what was accepted ends in the out-bucket. Others wait when both Redis and the queue say
 * so: Redis may count requests that are gone, the queue does not tell whose client has left. What is kept for later
 * has no client that could leave.
 */

import type { Queue, ReceivedMessage } from '../../cloud/aws/sqs/queues.ts';
import { KEPT } from '../../cloud/contract/messages.ts';
import type { QueuedRequest } from '../../cloud/contract/queued.ts';
import type { Pressure } from '../../cloud/redis/pressure.ts';
import type { Relay } from '../../cloud/redis/relay.ts';
import { cached } from '../../runtime/cached-value.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Activity } from '../activity.ts';

/** How often a message was postponed, as its attribute. */
const POSTPONED = 'postponed';
const FIRST_DELAY_SECONDS = 5;
const MOST_DELAY_SECONDS = 120;
/** After some ten minutes of postponing it is done, whatever the counts say. */
const MOST_TIMES = 8;
const DEPTH_READING_MS = 1000;
/** Whether a web node listens is asked once for all of its requests of this time. */
const NODE_READING_MS = 1000;
/** A web node that lost Redis for a moment is back within this time. */
const NODE_GONE_MS = 20_000;

export interface PostponeParts {
  readonly requests: Pick<Queue, 'send' | 'depth'>;
  readonly pressure: Pick<Pressure, 'abandon' | 'isAbandoned' | 'read'>;
  readonly relay: Pick<Relay, 'hears'>;
  readonly activity: Pick<Activity, 'inHand'>;
  readonly log: Logger;
  /** ms of a monotonic clock */
  readonly now?: () => number;
}

export type Postpone = (message: ReceivedMessage, request: QueuedRequest) => Promise<boolean>;

/** @returns whether a copy was sent that is received later; the message itself is then to be deleted */
export function postponer(parts: PostponeParts): Postpone {
  const { requests, pressure, relay, activity, log, now = () => performance.now() } = parts;
  /** Web nodes that do not listen, each with when that was first seen. */
  const silentSince = new Map<string, number>();
  const readings = new Map<string, () => Promise<boolean | undefined>>();
  const hears = (node: string): Promise<boolean | undefined> => {
    const read = readings.get(node) ?? cached(() => relay.hears(node), NODE_READING_MS, now);
    readings.set(node, read);
    return read();
  };
  const isGone = async (node: string): Promise<boolean> => {
    const heard = await hears(node);
    if (heard) silentSince.delete(node);
    if (heard !== false) return false;
    const since = silentSince.get(node) ?? now();
    silentSince.set(node, since);
    return now() - since >= NODE_GONE_MS;
  };
  const readDepth = cached(() => requests.depth(), DEPTH_READING_MS, now);
  const othersWait = async ({ id, node }: QueuedRequest): Promise<boolean> => {
    if (node === KEPT) return false;
    const [isAbandoned, hasNoNode] = await Promise.all([pressure.isAbandoned(id), isGone(node)]);
    if (!isAbandoned) {
      if (!hasNoNode) return false;
      await pressure.abandon(id); // Its node can no longer say so.
    }
    const { count, abandoned } = await pressure.read();
    if (count - abandoned < Math.max(1, activity.inHand)) return false;
    return ((await readDepth())?.visible ?? 0) > 0;
  };
  return async ({ body, deliveries, attributes }, request) => {
    // A copy has a new delivery count, which a request that may have crashed a worker must not get.
    if (deliveries > 1) return false;
    const times = Number(attributes[POSTPONED] ?? 0) || 0;
    if (times >= MOST_TIMES) return false;
    try {
      if (!(await othersWait(request))) return false;
      const delay = Math.min(MOST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** times);
      await requests.send(body, { [POSTPONED]: String(times + 1) }, delay);
      log.debug(
        { request: request.id, delay },
        'Client has disconnected: postponed behind other requests',
      );
      return true;
    } catch (err) {
      log.debug({ err, request: request.id }, 'Cannot check whether the client has disconnected');
      return false;
    }
  };
}
