/** What became of photos, told to /metrics and the live view: each counts, however many a request brought. */
import { KEPT, type ReplyMessage } from '../../cloud/contract/messages.ts';
import { toHttpError } from '../errors.ts';
import type { Live } from '../live/live.ts';
import { recognisedOf } from '../recognize/recognition.ts';
import type { WebMetrics } from './metrics.ts';

/** `match`, or the code of its problem. */
export type Outcome = string;
export const MATCH: Outcome = 'match';

function outcomeOf(error: unknown): Outcome {
  return toHttpError(error).code;
}

/** Adds to the outcomes why it failed, if it does. */
export async function failing<T>(outcomes: Outcome[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    outcomes.push(outcomeOf(error));
    throw error;
  }
}

export interface PhotoCounts {
  /** The client of these photos has its answer, after so many seconds. */
  answered(outcomes: readonly Outcome[], seconds: number): void;
  /** A reply has come; who waits for one on a connection is counted when it is answered. */
  replied(reply: ReplyMessage): void;
}

export function photoCounts(
  metrics: Pick<WebMetrics, 'photo'>,
  live: Pick<Live, 'answered'>,
): PhotoCounts {
  return {
    answered(outcomes, seconds) {
      for (const outcome of outcomes) metrics.photo(outcome);
      live.answered(seconds, outcomes.filter((outcome) => outcome === MATCH).length);
    },
    replied(reply) {
      if (reply.node !== KEPT) return;
      const outcome = keptOutcome(reply);
      metrics.photo(outcome);
      // Without the time of a worker's older version it counts as fast rather than not at all.
      const { sentAt = Date.now() } = reply;
      if (outcome === MATCH) live.answered(Math.max(0, Date.now() - sentAt) / 1000, 1);
    },
  };
}

function keptOutcome(reply: ReplyMessage): Outcome {
  try {
    recognisedOf(reply);
    return MATCH;
  } catch (error) {
    return outcomeOf(error);
  }
}
