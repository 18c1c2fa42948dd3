/**
 * Leader election, apart from the scaler's own work, since a slow EC2 must not lose the lead. Says at any
 * time what this scaler may do. Knows no instances.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { LEADER_MS, type Leadership } from '../../cloud/redis/leader.ts';
import { messageOf } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Role } from '../report/view.ts';

const RENEW_MS = 1000;
/** A standby asks more often: it must lead within 5 s after the leader died, and the lock takes 4 s of them to expire. */
const WATCH_MS = 400;
/** Before the lock can expire, counted from before the call that took it. */
const SURE_MS = LEADER_MS - 500;
/**
 * When the last leader continues without Redis. Later than the lock expires, so that a standby that still
 * reaches Redis has taken over and its launches can be seen in EC2.
 */
const ALONE_MS = LEADER_MS + 2000;

export interface Lead {
  readonly role: Role;
  /** How often this scaler has taken the lead; its memory of an earlier term is stale. */
  readonly term: number;
  /** A scaler with another Redis leads the project, so this one stands by. */
  readonly hasRival?: boolean;
  /** @param resign lets the next scaler lead at once; else the lock expires */
  stop(resign: boolean): Promise<void>;
}

/** @param now a monotonic clock in ms */
export function keepLead(
  leadership: Leadership,
  { log, now = () => performance.now() }: { log: Logger; now?: () => number },
): Lead {
  let term = 0;
  let answer: boolean | undefined;
  /** Before the last call that got the lead. */
  let ledAt = Number.NEGATIVE_INFINITY;
  /** When the first of the calls failed that have failed since the last answer. */
  let failingSince: number | undefined;
  const stopping = new AbortController();

  const ask = async (): Promise<void> => {
    const askedAt = now();
    try {
      const leads = await leadership.lead();
      failingSince = undefined;
      if (leads) ledAt = askedAt;
      if (leads === answer) return;
      answer = leads;
      if (leads) term += 1;
      log.info({ term }, leads ? 'This scaler leads' : 'Another scaler leads; standing by');
    } catch (err) {
      failingSince ??= now();
      log.debug({ reason: messageOf(err) }, 'Cannot ask Redis which scaler leads');
    }
  };
  const keep = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await ask();
      await delay(answer === true ? RENEW_MS : WATCH_MS, undefined, {
        signal: stopping.signal,
      }).catch(() => {});
    }
  };
  const kept = keep();
  return {
    get role() {
      if (answer !== true) return 'standby';
      if (now() - ledAt < SURE_MS) return 'leader';
      // A process that was only paused has no failed call: it must ask first.
      const away = failingSince !== undefined && now() - failingSince > RENEW_MS;
      return away && now() - ledAt > ALONE_MS ? 'alone' : 'waiting';
    },
    get term() {
      return term;
    },
    async stop(resign) {
      stopping.abort();
      await kept;
      if (!resign || answer !== true) return;
      await leadership.resign().catch((err: unknown) => {
        log.warn({ err }, 'Cannot give up the lead; it expires by itself');
      });
    },
  };
}
