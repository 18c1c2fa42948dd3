/** The schemas of the live view's events: the state, sent every second, and the history, sent first. */
import { z } from 'zod';

/** ms since 1970 */
const time = z.number();

const point = z.object({
  at: time,
  /** Requests waiting for a worker, and in work; null where they could not be read. */
  waiting: z.number().nullable(),
  inWork: z.number().nullable(),
  /** Instances that serve (idle, busy or draining), and that are starting. */
  serving: z.number().nullable(),
  booting: z.number().nullable(),
  /** Photos that this web node answered in the last second. */
  answered: z.number(),
});

export const liveStateSchema = z.object({
  now: point,
  /** Age of the oldest request that has no answer yet. */
  oldestSeconds: z.number().nullable(),
  largestFleet: z.number().nullable(),
  policy: z.string().nullable(),
  /** The scaler's role; null after some seconds without a report. */
  scaler: z.enum(['leader', 'alone', 'waiting', 'standby']).nullable(),
  /** Photos that this web node answered over the last minute; seconds, null without any. */
  answers: z.object({
    perSecond: z.number(),
    p50: z.number().nullable(),
    p95: z.number().nullable(),
  }),
  instances: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      /** EC2's state until the instance reports, then the state in its lease. */
      state: z.enum([
        'pending',
        'starting',
        'idle',
        'busy',
        'draining',
        'drained',
        'silent',
        'stopping',
      ]),
      /** Time in this state. */
      seconds: z.number().nullable(),
      /** Requests it works on, and has finished since it started. */
      inHand: z.number(),
      finished: z.number(),
      spot: z.boolean(),
      type: z.string().nullable(),
    }),
  ),
  /** The scaler's latest decisions that changed the fleet, newest first. */
  decisions: z.array(z.object({ at: time, what: z.string(), reason: z.string() })),
});
export type LiveState = z.output<typeof liveStateSchema>;
export type LivePoint = z.output<typeof point>;

/** Sent once to each viewer, before the first state: a point per second, oldest first. */
export const liveHistorySchema = z.object({ points: z.array(point) });
export type LiveHistory = z.output<typeof liveHistorySchema>;
