/** The scaler's status as programs get it, made from what the loop shows. Pure. Knows no HTTP. */
import { instanceName } from '../../cloud/contract/names.ts';
import type { ScalerFigures, ScalerStatus } from '../../cloud/contract/scaler-status.ts';
import type { Observation } from '../decide/observation.ts';
import type { Situation } from '../decide/policies/policy.ts';
import { type LoopView, subjectOf } from './view.ts';

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

function figuresOf(situation: Situation): ScalerFigures {
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
