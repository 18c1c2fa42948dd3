/** Observations for tests of single decisions: all well and empty unless the test says otherwise. */
import type { FleetInstance } from '../../cloud/ec2/instances.ts';
import type { LeaseReading } from '../../cloud/redis/leases.ts';
import { decide } from './decide.ts';
import { type Memory, startMemory } from './memory.ts';
import type { Observation } from './observation.ts';
import { applyOutcomes, type Outcome } from './outcomes.ts';
import type { ScalingSettings } from './policies/policy.ts';

/** The time at which every test begins. */
export const START = 1_000_000;

export const settings: ScalingSettings = {
  SCALE_POLICY: 'threshold',
  MAX_INSTANCES: 4,
  MIN_INSTANCES: 0,
  SCALE_OUT_THRESHOLD: 0,
  BACKLOG_PER_INSTANCE: 10,
  LATENCY_SECONDS: 60,
  SLACK_SHARE: 0,
  KEEP_SECONDS: 0,
  IDLE_SECONDS: 10,
  BOOT_SECONDS: 300,
  REQUEST_SECONDS: 900,
};

export function running(number: number, more: Partial<FleetInstance> = {}): FleetInstance {
  return { id: `i-${number}`, number, state: 'running', launchedAt: START - 100_000, ...more };
}

export function lease(
  state: LeaseReading['state'],
  forMs = 0,
  more: Partial<LeaseReading> = {},
): LeaseReading {
  return { state, forMs, inHand: state === 'busy' ? 1 : 0, finished: 0, silentMs: 500, ...more };
}

export interface Seen {
  readonly now?: number;
  readonly instances?: Observation['instances'];
  readonly leases?: Readonly<Record<string, LeaseReading>> | 'unreadable';
  readonly pressure?: Observation['pressure'] | 'unreadable';
  readonly visible?: number | 'unreadable';
  readonly inFlight?: number;
}

export function observation(seen: Seen = {}): Observation {
  const { now = START, leases = {}, pressure = { count: 0 }, visible = 0, inFlight = 0 } = seen;
  return {
    now,
    instances: 'instances' in seen ? seen.instances : [],
    leases: leases === 'unreadable' ? undefined : new Map(Object.entries(leases)),
    pressure: pressure === 'unreadable' ? undefined : pressure,
    depth: visible === 'unreadable' ? undefined : { visible, inFlight, delayed: 0 },
  };
}

/** One controller over time: each call is a tick that remembers the ones before. */
export class Ticks {
  readonly settings: ScalingSettings;
  memory: Memory = startMemory('seed');
  /** Of all actions up to now, in their order. */
  readonly causes: string[] = [];
  /** What EC2 says to launches. */
  ec2: 'yes' | 'no' | 'nothing' = 'yes';

  constructor(overrides: Partial<ScalingSettings> = {}) {
    this.settings = { ...settings, ...overrides };
  }

  /** What the tick does, e.g. `['launch 1', 'drain 3']`. */
  see(seen: Seen): string[] {
    const decision = decide(observation(seen), this.settings, this.memory);
    const outcomes = decision.actions.flatMap((action): Outcome[] => {
      if (action.kind === 'inquire') return [{ kind: 'ended', instanceId: action.instanceId }];
      if (action.kind !== 'launch') return [];
      const { nonce, number } = action;
      return this.ec2 === 'yes'
        ? [{ kind: 'launched', nonce, instanceId: `i-${number}` }]
        : [{ kind: 'launch-failed', nonce, refused: this.ec2 === 'no' }];
    });
    this.causes.push(...decision.actions.map(({ cause }) => cause));
    this.memory = applyOutcomes(decision.memory, outcomes, seen.now ?? START);
    return decision.actions.map((action) =>
      action.kind === 'forget-pressure'
        ? `forget before ${action.before - START}`
        : `${action.kind} ${action.number}`,
    );
  }
}
