/**
 * The scaler's status: its schema, which other programs may use, and how it is made from what
 * the loop shows. Pure. Knows no HTTP.
 */
import { z } from 'zod';
import { instanceName } from '../../cloud/contract/names.ts';
import type { Observation } from '../decide/observation.ts';
import type { Situation } from '../decide/policies/policy.ts';
import { type LoopView, subjectOf } from './view.ts';

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
      instances: z
        .array(
          z.object({
            id: z.string(),
            name: z.string(),
            state: z.string(),
            type: z.string().optional(),
            spot: z.boolean(),
            /** Of its lease; missing when it has none. */
            does: z.string().optional(),
          }),
        )
        .optional(),
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

/** @param now ms since 1970 */
export function statusOf(
  { role, hasRival, seen, closures, backoff, tally, decisions }: LoopView,
  settings: { readonly SCALE_POLICY: string; readonly MAX_INSTANCES: number },
  now: number,
): ScalerStatus {
  return {
    role,
    hasRival,
    policy: settings.SCALE_POLICY,
    largestFleet: settings.MAX_INSTANCES,
    ...(seen === undefined ? {} : { now: lookOf(seen) }),
    closed: closedNow(closures, backoff, now).map(([what, { code, until }]) => ({
      what,
      code,
      until: isoOf(until),
    })),
    youngDeaths: backoff?.deaths ?? 0,
    launches: tally.launched,
    refusals: Object.fromEntries(tally.refused),
    decisions: decisions.toReversed().map(({ at, actions, situation, refusals }) => ({
      at: isoOf(at),
      actions: actions.map((action) => ({
        kind: action.kind,
        on: subjectOf(action),
        reason: action.reason,
      })),
      ...(situation === undefined ? {} : { figures: figuresOf(situation) }),
      refusals: Object.fromEntries(refusals),
    })),
  };
}

/** What launches wait for now; failed boots put all launches on hold. */
export function closedNow(
  closures: LoopView['closures'],
  backoff: LoopView['backoff'],
  now: number,
): [string, { code: string; until: number }][] {
  const all: [string, { code: string; until: number }][] = [...closures];
  if (backoff !== undefined) all.push(['all', backoff]);
  return all.filter(([, { until }]) => until > now);
}

function lookOf({
  observation,
  situation,
  reasons,
}: NonNullable<LoopView['seen']>): NonNullable<ScalerStatus['now']> {
  const { now, pressure, depth, instances } = observation;
  return {
    at: isoOf(now),
    reasons: [...reasons],
    ...(situation === undefined ? {} : { figures: figuresOf(situation) }),
    ...(pressure === undefined ? {} : { pressure: pressure.count }),
    ...(depth === undefined ? {} : { queue: { visible: depth.visible, inFlight: depth.inFlight } }),
    ...(instances === undefined ? {} : { instances: instancesOf(instances, observation) }),
  };
}

function instancesOf(
  instances: NonNullable<Observation['instances']>,
  { leases }: Observation,
): NonNullable<NonNullable<ScalerStatus['now']>['instances']> {
  return instances.map(({ id, number, state, type, spot = false }) => {
    const does = leases?.get(id)?.state;
    return {
      id,
      name: instanceName(number),
      state,
      ...(type === undefined ? {} : { type }),
      spot,
      ...(does === undefined ? {} : { does }),
    };
  });
}

function figuresOf(situation: Situation): z.output<typeof figures> {
  const { demand, visible, inFlight, serving, booting } = situation;
  return {
    ...(demand.known === undefined ? {} : { waiting: visible, inWork: inFlight }),
    serving,
    booting: booting.length,
    arrivalsPerSecond: rounded(situation.arrivalsPerSecond),
    serviceSeconds: rounded(situation.serviceSeconds),
    bootSeconds: rounded(situation.bootSeconds),
  };
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
