/** The scalers that are compared, each with a grid of its settings, so that each is seen at its best. */

import { drainTime } from '../../../scaler/decide/policies/drain-time.ts';
import { backlog, threshold } from '../../../scaler/decide/policies/policies.ts';
import type { ScalingSettings } from '../../../scaler/decide/policies/policy.ts';
import type { Load, Scaler, World } from '../simulation/world.ts';
import { type OracleSettings, oracle } from './oracle.ts';
import { ownScaler } from './own-scaler.ts';
import { keda, kedaDefaults, stepScaling, targetTracking } from './peers.ts';

export const families = [
  'threshold',
  'backlog',
  'drain-time',
  'KEDA',
  'target tracking',
  'step scaling',
  'fixed fleet',
  'oracle',
] as const;
export type Family = (typeof families)[number];

export interface Contender {
  readonly family: Family;
  /** Its settings in words, short. */
  readonly settings: string;
  /** The default settings. */
  readonly isDefault?: boolean;
  /** A new one for each run: scalers remember. */
  scaler(load: Load, world: World): Scaler;
}

/** What the course's rule gets: its defaults, and the threshold of one request. */
const courseSettings: Omit<ScalingSettings, 'MAX_INSTANCES'> = {
  SCALE_POLICY: 'threshold',
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

const course: Contender[] = [
  {
    family: 'threshold',
    settings: 'the course',
    isDefault: true,
    scaler: (_, { maxInstances }) =>
      ownScaler(threshold, { ...courseSettings, MAX_INSTANCES: maxInstances }),
  },
];

const backlogs: Contender[] = [1, 2, 5, 10, 20, 50, 100, 200, 500].flatMap((target) =>
  [0, 10, 60].flatMap((idle) =>
    [0, 1].map((least) => ({
      family: 'backlog' as const,
      settings: `${target} an instance, idle ${idle} s, least ${least}`,
      isDefault: target === 10 && idle === 10 && least === 0,
      scaler: (_: Load, { maxInstances }: World) =>
        ownScaler(backlog, {
          ...courseSettings,
          MAX_INSTANCES: maxInstances,
          MIN_INSTANCES: least,
          BACKLOG_PER_INSTANCE: target,
          IDLE_SECONDS: idle,
        }),
    })),
  ),
);

const goals = [0.2, 0.5, 1, 2, 5, 10, 20, 30, 45, 52, 60, 67, 75, 90, 120, 180, 300, 600];
/** [instances that always stay, share of the slack that is waited before a launch, patience and idle time in seconds] */
const habits = [
  [0, 0, 0, 10],
  [0, 1, 0, 10],
  [0, 0, 30, 60],
  [0, 1, 0, 300],
  [1, 0, 0, 10],
  [2, 0, 0, 10],
  [5, 0, 0, 10],
] as const;
const drains: Contender[] = goals.flatMap((goal) =>
  habits.map(([least, late, patience, idle]) => ({
    family: 'drain-time' as const,
    settings: `goal ${goal} s, least ${least}, late ${late}, patience ${patience} s, idle ${idle} s`,
    isDefault: goal === 60 && least === 0 && late === 0 && idle === 10,
    scaler: (_: Load, world: World) =>
      ownScaler(
        drainTime,
        {
          ...courseSettings,
          MAX_INSTANCES: world.maxInstances,
          MIN_INSTANCES: least,
          LATENCY_SECONDS: goal,
          SLACK_SHARE: late,
          KEEP_SECONDS: patience,
          IDLE_SECONDS: idle,
        },
        world,
      ),
  })),
);

const quick = {
  ...kedaDefaults,
  pollingInterval: 5,
  cooldownPeriod: 15,
  stabilizationWindowSeconds: 0,
};

const kedas: Contender[] = [1, 2, 5, 10, 20, 50, 100, 200, 500].flatMap((queueLength) =>
  [
    { words: '', ...kedaDefaults },
    { words: ', in after 60 s', ...quick, cooldownPeriod: 60, stabilizationWindowSeconds: 60 },
    { words: ', in after 15 s', ...quick },
    { words: ', one stays', ...quick, minReplicaCount: 1 },
  ].map(({ words, ...rest }) => ({
    family: 'KEDA' as const,
    settings: `queueLength ${queueLength}${words}`,
    isDefault: queueLength === kedaDefaults.queueLength && words === '',
    scaler: (_: Load, { maxInstances }: World) => keda({ ...rest, queueLength }, maxInstances),
  })),
);

const trackers: Contender[] = [1, 5, 10, 50, 100, 300, 600, 3000].flatMap((target) =>
  [0, 1, 2, 5].map((least) => ({
    family: 'target tracking' as const,
    settings: `target ${target}, least ${least}`,
    isDefault: target === 600 && least === 1,
    scaler: (_: Load, { maxInstances }: World) => targetTracking({ target, least }, maxInstances),
  })),
);

const steppers: Contender[] = [10, 50, 200, 1000].flatMap((perInstance) =>
  [1, 5, 15].flatMap((quietMinutes) =>
    [0, 1].map((least) => ({
      family: 'step scaling' as const,
      settings: `${perInstance} each, in after ${quietMinutes} min, least ${least}`,
      scaler: (_: Load, { maxInstances }: World) =>
        stepScaling({ perInstance, quietMinutes, least }, maxInstances),
    })),
  ),
);

/** Shares of the largest fleet; 1 is always among them. */
const fixed: Contender[] = [0, 0.1, 0.2, 0.4, 0.7, 0.85, 1].map((share) => ({
  family: 'fixed fleet' as const,
  settings: share === 0 ? 'one instance' : `${100 * share} % of the largest`,
  scaler: (_: Load, { maxInstances }: World) =>
    fixedFleet(Math.max(1, Math.round(share * maxInstances))),
}));

const oracles: Contender[] = [
  ...[1, 2, 5, 10, 20, 45, 90, 180, 360, 600].flatMap((slack) =>
    [1, 1.3, 1.7, 2.5].map((headroom) => ({ slack, headroom, shape: 'even' as const })),
  ),
  ...[20, 45, 90, 180, 360, 600].map((slack) => ({
    slack,
    headroom: 1,
    shape: 'batches' as const,
  })),
].map((settings: OracleSettings) => ({
  family: 'oracle' as const,
  settings: `${settings.shape}, slack ${settings.slack} s, headroom ${settings.headroom}`,
  scaler: (load: Load, world: World) => oracle(load, world, settings),
}));

export const contenders: readonly Contender[] = [
  ...course,
  ...backlogs,
  ...drains,
  ...kedas,
  ...trackers,
  ...steppers,
  ...fixed,
  ...oracles,
];

/** A fleet that never changes: no scaling at all. */
function fixedFleet(size: number): Scaler {
  return {
    tick: ({ serving, booting }) => ({ launch: Math.max(0, size - serving - booting.length) }),
  };
}
