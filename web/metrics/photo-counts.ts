/** Counts the outcome of each photo, for /metrics and the live view. */
import { KEPT, type ReplyMessage } from '../../cloud/contract/messages.ts';
import { toHttpError } from '../errors.ts';
import type { Live } from '../live/live.ts';
import { recognisedOf } from '../recognize/recognition.ts';
import type { WebMetrics } from './metrics.ts';

/** `match`, or an error code. */
export type Outcome = string;
export const MATCH: Outcome = 'match';

function outcomeOf(error: unknown): Outcome {
  return toHttpError(error).code;
}

/** Runs `work`, and adds the error code to the outcomes if it fails. */
export async function recordFailure<T>(outcomes: Outcome[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    outcomes.push(outcomeOf(error));
    throw error;
  }
}

export interface PhotoCounts {
  /** The client of these photos has its answer, after `seconds`. */
  answered(outcomes: readonly Outcome[], seconds: number): void;
  /** A reply has arrived. Only stored results are counted here: the others when the client is answered. */
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
      const outcome = storedOutcome(reply);
      metrics.photo(outcome);
      // Workers of an older version send no time: such an answer counts as fast.
      const { sentAt = Date.now() } = reply;
      if (outcome === MATCH) live.answered(Math.max(0, Date.now() - sentAt) / 1000, 1);
    },
  };
}

function storedOutcome(reply: ReplyMessage): Outcome {
  try {
    recognisedOf(reply);
    return MATCH;
  } catch (error) {
    return outcomeOf(error);
  }
}
