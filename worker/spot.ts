/**
 * Watches for the spot market taking this instance back, and says by when what is in hand must be given
 * to others. Knows no queue.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { SpotNotices } from '../cloud/spot-notices.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Logger } from '../runtime/log.ts';

/** What AWS recommends to poll at. */
const POLL_MS = 5000;
/** Left to give back what is not finished, and to tell. */
const LAST_MS = 10_000;
/** A short notice is not to be spent on leaving alone. */
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
      if (readable) log.warn({ reason: messageOf(err) }, 'spot notices cannot be read; trying on');
      readable = false;
      return false;
    }
    readable = true;
    const { interruption, rebalanceAt } = notices;
    if (rebalanceAt !== undefined && !recommended) {
      recommended = true;
      log.info({ noticeTime: new Date(rebalanceAt) }, 'EC2 recommends to rebalance: working on');
    }
    if (interruption === undefined || stopping.signal.aborted) return false;
    const leftMs = interruption.at - Date.now();
    log.warn(
      { action: interruption.action, at: new Date(interruption.at), leftMs },
      'spot notice: this instance will be taken',
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
