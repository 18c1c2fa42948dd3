/**
 * The scaler's status: what it answers to programs over HTTP, and the part of it that web nodes read in Redis.
 * One definition of each field, for the scaler that writes it and for all who read it.
 */
import { z } from 'zod';

const figures = z.object({
  /** Requests that wait, and that are in work; undefined when no source could be read. */
  waiting: z.number().optional(),
  inWork: z.number().optional(),
  serving: z.number(),
  booting: z.number(),
  arrivalsPerSecond: z.number(),
  serviceSeconds: z.number(),
  bootSeconds: z.number(),
});

const instance = z.object({
  id: z.string(),
  name: z.string(),
  /** EC2's. */
  state: z.string(),
  type: z.string().optional(),
  spot: z.boolean(),
  /** Of its lease; missing when it has none. */
  does: z.string().optional(),
});

export const scalerStatusSchema = z.object({
  role: z.enum(['leader', 'alone', 'waiting', 'standby']),
  /** A scaler with another Redis leads the project, so this one stands by. */
  hasRival: z.boolean(),
  policy: z.string(),
  largestFleet: z.number(),
  /** Of the last look; missing while another leads. */
  now: z
    .object({
      at: z.iso.datetime(),
      reasons: z.array(z.string()),
      figures: figures.optional(),
      /** By Redis's set, and by SQS's own count; each is missing when it could not be read. */
      pressure: z.number().optional(),
      queue: z.object({ visible: z.number(), inFlight: z.number() }).optional(),
      instances: z.array(instance).optional(),
    })
    .optional(),
  /** Where launches are on hold, why, and until when. */
  closed: z.array(z.object({ what: z.string(), code: z.string(), until: z.iso.datetime() })),
  /** Launched instances in a row that ended before they took work; 0 while they report. */
  youngDeaths: z.number(),
  launches: z.number(),
  refusals: z.record(z.string(), z.number()),
  /** The last ones that changed something, newest first. */
  decisions: z.array(
    z.object({
      at: z.iso.datetime(),
      actions: z.array(z.object({ kind: z.string(), on: z.string(), reason: z.string() })),
      figures: figures.optional(),
      /** Instances that EC2 refused, by its code. */
      refusals: z.record(z.string(), z.number()),
    }),
  ),
});
export type ScalerStatus = z.output<typeof scalerStatusSchema>;
export type ScalerFigures = z.output<typeof figures>;

/** What is published once a second: short, as a thousand instances are decided on and shown in Redis too. */
export const publishedStatusSchema = scalerStatusSchema
  .pick({ policy: true, largestFleet: true })
  .extend({
    /** A scaler that does not lead publishes nothing. */
    role: scalerStatusSchema.shape.role.extract(['leader', 'alone']),
    /** Every instance that is not stopped or gone, by number. */
    instances: z.array(
      instance.omit({ does: true }).extend({
        state: z.enum(['pending', 'running', 'shutting-down', 'stopping']),
        type: z.string().nullable(),
        /** ms since 1970. */
        launchedAt: z.number(),
        /** It has had a lease since it was started. */
        spoke: z.boolean(),
      }),
    ),
    /** Requests that wait or are in work, as it believes them; missing when no source could be read. */
    demand: z.number().optional(),
    /** In words: one line for all actions of one kind and reason. The last that changed something, newest first. */
    decisions: z.array(z.object({ at: z.number(), what: z.string(), reason: z.string() })),
  });
export type PublishedStatus = z.output<typeof publishedStatusSchema>;
