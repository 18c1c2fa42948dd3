/** One delivery of a request, and what became of it. Pure. */
import type { ReplyMessage } from '../../cloud/contract/messages.ts';

/** This delivery of the request. */
export interface Delivery {
  /** 1 for the first. */
  readonly deliveries: number;
  /** Whether another worker may have it now. */
  readonly isLost: boolean;
  /** Resolves with whether the request was postponed; absent where it cannot be. Never rejects. */
  readonly postponed?: Promise<boolean> | undefined;
}

/** The outcome of a request, and where its time went (ms). */
export interface Answered {
  readonly outcome: ReplyMessage['outcome'];
  /** Whether the answer of an earlier delivery was sent again. */
  readonly again: boolean;
  readonly timings: Readonly<Record<string, number>>;
}

/** Rounds to tenths of a ms. */
export function wholeMs(timings: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(timings).map(([step, ms]) => [step, Math.round(ms * 10) / 10]),
  );
}
