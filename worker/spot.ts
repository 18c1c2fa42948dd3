/**
 * Watches for a spot interruption of this instance, and says by when unfinished requests must be given
 * back. Knows no queue.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { SpotNotices } from '../cloud/ec2/spot-notices.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Logger } from '../runtime/log.ts';

/** The interval that AWS recommends. */
const POLL_MS = 5000;
/** Time left to give back what is not finished, and to report. */
const LAST_MS = 10_000;
/** Of a short notice, at most this share is kept for giving back. */
const LAST_SHARE = 0.25;

export interface SpotWatchParts {
  /** Rejects when the notices cannot be read. */
  readonly read: () => Promise<SpotNotices>;
  /** Called once; `giveBackInMs` is the time left to finish what is in hand. */
  readonly onInterruption: (giveBackInMs: number) => void;
  readonly log: Logger;
  readonly pollMs?: number;
}

/** @param leftMs until the interruption */
export function giveBackAfter(leftMs: number): number {
  return Math.max(0, leftMs - Math.min(LAST_MS, leftMs * LAST_SHARE));
}

/** Watches until there is a notice, or it is stopped. */
export function watchSpotNotices(parts: SpotWatchParts): { stop(): void } {
  const { read, onInterruption, log, pollMs = POLL_MS } = parts;
  const stopping = new AbortController();
  let recommended = false;
  let readable = true;

  /** @returns whether there is nothing more to watch for */
  const look = async (): Promise<boolean> => {
    let notices: SpotNotices;
    try {
      notices = await read();
    } catch (err) {
      if (readable) log.warn({ reason: messageOf(err) }, 'Cannot read spot notices; retrying');
      readable = false;
      return false;
    }
    readable = true;
    const { interruption, rebalanceAt } = notices;
    if (rebalanceAt !== undefined && !recommended) {
      recommended = true;
      log.info({ noticeTime: new Date(rebalanceAt) }, 'EC2 recommends to rebalance; continuing');
    }
    if (interruption === undefined || stopping.signal.aborted) return false;
    const leftMs = interruption.at - Date.now();
    log.warn(
      { action: interruption.action, at: new Date(interruption.at), leftMs },
      'Spot notice: EC2 will take this instance back',
    );
    onInterruption(giveBackAfter(leftMs));
    return true;
  };
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted && !(await look())) {
      await delay(pollMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  void loop();
  return { stop: () => stopping.abort() };
}
