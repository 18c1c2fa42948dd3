/** What the fleet cost in a run, beside what the same load needs without faults. */
import type { FleetWatch } from './fleet-watch.ts';
import type { FaultTime } from './recovery.ts';

export interface Cost {
  /** Instance-seconds paid, by EC2's minimum of a minute for what calls ended. */
  readonly paid: number;
  /** The fleet of the time without faults for as long as the load lasted. */
  readonly needed: number;
  /** Most instances launched while new ones ended at once, over one such fault. */
  readonly bornDead: number;
}

const MOST_TIMES = 1.3;
const LEAST_SECONDS = 60;
/** Of new instances that end at once: two fleets, then a probe now and then. */
const MOST_FLEETS_BORN_DEAD = 2;
const PROBES = 2;

/** All times in ms of the monotonic clock; `begun` is the run's start, `until` the load's end. */
export function costOf(
  fleet: FleetWatch,
  faults: readonly FaultTime[],
  { calmFrom, until, begun }: { calmFrom: number; until: number; begun: number },
): Cost {
  const calmTo = Math.min(until, ...faults.map(({ from }) => from));
  const births = faults.filter(({ row }) => row === 'birth');
  return {
    paid: fleet.paid(until),
    needed: (fleet.average(calmFrom, calmTo) * (until - begun)) / 1000,
    bornDead: Math.max(0, ...births.map(({ from, to }) => fleet.launched(from, to))),
  };
}

/** @param most instances allowed: the last fleet is paid its minute whatever the load's end */
export function costBreaches({ paid, needed, bornDead }: Cost, most: number): string[] {
  const breaches: string[] = [];
  if (paid > MOST_TIMES * needed + LEAST_SECONDS * most) {
    breaches.push(
      `${paid.toFixed(0)} instance-seconds were paid, with ${needed.toFixed(0)} needed`,
    );
  }
  if (bornDead > MOST_FLEETS_BORN_DEAD * most + PROBES) {
    breaches.push(`${bornDead} instances were launched while new ones ended at once`);
  }
  return breaches;
}
