/** What the fleet costs: how long each instance lives, by EC2's own list. */
import { type EC2Client, paginateDescribeInstances } from '@aws-sdk/client-ec2';
import { APP_TIER_PATTERN } from '../../cloud/aws/inspection.ts';

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
