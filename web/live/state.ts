/** What the page is told of the running system, once a second: the schema that both sides read by. */
import { z } from 'zod';

/** ms since 1970 */
const time = z.number();

const point = z.object({
  at: time,
  /** Requests that wait for a worker, and that are in work; null where nobody could read them. */
  waiting: z.number().nullable(),
  inWork: z.number().nullable(),
  /** Instances that serve (idle, busy or draining), and that are on their way. */
  serving: z.number().nullable(),
  booting: z.number().nullable(),
  /** Photos that this web node answered in the second before. */
  answered: z.number(),
});

export const liveStateSchema = z.object({
  now: point,
  /** Age of the oldest request that has no answer yet. */
  oldestSeconds: z.number().nullable(),
  largestFleet: z.number().nullable(),
  policy: z.string().nullable(),
  /** Who leads: null while no scaler has spoken for some seconds. */
  scaler: z.enum(['leader', 'alone', 'waiting', 'standby']).nullable(),
  /** Of the photos that this web node answered over the last minute, in seconds; null without any. */
  answers: z.object({
    perSecond: z.number(),
    p50: z.number().nullable(),
    p95: z.number().nullable(),
  }),
  instances: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      /** EC2's state until it has spoken, then what its lease says. */
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
      /** How long it has been in it. */
      seconds: z.number().nullable(),
      /** Requests in its hands, and finished since it started. */
      inHand: z.number(),
      finished: z.number(),
      spot: z.boolean(),
      type: z.string().nullable(),
    }),
  ),
  /** The scaler's last ones that changed something, newest first. */
  decisions: z.array(z.object({ at: time, what: z.string(), reason: z.string() })),
});
export type LiveState = z.output<typeof liveStateSchema>;
export type LivePoint = z.output<typeof point>;

/** Sent once to whoever connects, before the first state: a point a second, oldest first. */
export const liveHistorySchema = z.object({ points: z.array(point) });
export type LiveHistory = z.output<typeof liveHistorySchema>;
