/**
 * What the fleet costs in a run, by EC2’s own list of how long each instance lives, beside what the same load
 * needs without faults.
 */
import { type EC2Client, paginateDescribeInstances } from '@aws-sdk/client-ec2';
import { APP_TIER_PATTERN } from '../../cloud/aws/inspection.ts';
import type { FaultTime } from './recovery.ts';

/** EC2 bills a minute at least. */
const LEAST_SECONDS = 60;

export interface Life {
  readonly from: number;
  to: number;
  /** Ended by a call; otherwise by itself, or by a fault. */
  isEndedByCall: boolean;
}

export interface FleetWatch {
  /** Instances by now, in any state but terminated. */
  look(): Promise<number>;
  /** Instances that were first seen in this time. */
  launched(from: number, to: number): number;
  /** How many instances there were, on average over this time. */
  average(from: number, to: number): number;
  /**
   * Instance-seconds until `to`. One that a call ended early pays its minute; one that a
   * fault ended pays its time only, since the fault is to blame.
   */
  paid(to: number): number;
}

export function watchFleet(ec2: EC2Client): FleetWatch {
  const lives = new Map<string, Life>();
  return {
    async look() {
      let living = 0;
      const Filters = [{ Name: 'tag:Name', Values: [APP_TIER_PATTERN] }];
      for await (const page of paginateDescribeInstances({ client: ec2 }, { Filters })) {
        const now = performance.now();
        for (const { InstanceId = '', State, StateReason } of (page.Reservations ?? []).flatMap(
          ({ Instances = [] }) => Instances,
        )) {
          const isOver = State?.Name === 'terminated';
          if (!isOver) living += 1;
          const life = lives.get(InstanceId) ?? { from: now, to: now, isEndedByCall: false };
          if (!isOver) life.to = now;
          life.isEndedByCall = StateReason?.Code === 'Client.UserInitiatedShutdown';
          lives.set(InstanceId, life);
        }
      }
      return living;
    },
    launched: (from, to) =>
      [...lives.values()].filter((life) => life.from >= from && life.from < to).length,
    average(from, to) {
      const lived = [...lives.values()].map((life) =>
        Math.max(0, Math.min(life.to, to) - Math.max(life.from, from)),
      );
      return lived.reduce((sum, ms) => sum + ms, 0) / (to - from);
    },
    paid(to) {
      const seconds = [...lives.values()]
        .filter(({ from }) => from < to)
        .map((life) => {
          const lived = (Math.min(life.to, to) - life.from) / 1000;
          return life.isEndedByCall ? Math.max(LEAST_SECONDS, lived) : lived;
        });
      return seconds.reduce((sum, one) => sum + one, 0);
    },
  };
}

export interface Cost {
  /** Instance-seconds paid, by EC2's minimum of a minute for what calls ended. */
  readonly paid: number;
  /** The fleet of the time without faults for as long as the load lasted. */
  readonly needed: number;
  /** Most instances launched while new ones ended at once, over one such fault. */
  readonly bornDead: number;
}

const MOST_TIMES = 1.3;
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
