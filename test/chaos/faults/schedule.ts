/**
 * Which faults come when, from nothing but a seed: storms of many faults, and between them single ones
 * with quiet time on both sides, in which recovery can be measured. Pure.
 */
import {
  between,
  type Chance,
  callFaults,
  type Fault,
  hostileKinds,
  type LinkFault,
  type LinkName,
  lengthOf,
  linkNames,
  oneOf,
  type ProcessKind,
  peopleFaults,
  seededChance,
  services,
} from './faults.ts';

export interface ScheduledFault {
  readonly number: number;
  /** ms from the start of the run. */
  readonly at: number;
  readonly fault: Fault;
}

export interface ScheduleOptions {
  /** Faults in a storm, on average; their distance is exponential. */
  readonly perMinute: number;
  /** Pauses are longer than this. */
  readonly visibilityMs: number;
  /** Before the first fault. */
  readonly leadMs?: number;
  /** Faults in a storm, on average: half of it to one and a half times. */
  readonly stormFaults?: number;
  /** Without a fault after each storm and each single fault. */
  readonly quietMs?: number;
  /** Whether faults that hit changes of people come in storms, too; the others come as without them. */
  readonly people?: boolean;
  /** No single fault of those that are dealt lasts longer. */
  readonly longestMs?: number;
}

/** ms of a fault that lasts for a while: `usual` in a storm, up to `longest` where it comes alone. */
type Lasting = (usual: number, longest: number) => number;
interface Making {
  readonly chance: Chance;
  readonly pauseMs: number;
  readonly lasting: Lasting;
}
type Make = (making: Making) => Fault;

/**
 * Weight of each kind: about this many out of 97 faults. Restarts of everything are rare, or nothing else
 * would be met.
 */
const WEIGHTS: readonly (readonly [number, Make])[] = [
  [9, kill('worker')],
  [7, kill('inference')],
  [5, kill('web')],
  [5, kill('scaler')],
  [4, kill('redis')],
  [2, kill('cloud')],
  [4, pause('worker')],
  [2, pause('inference')],
  [2, pause('web')],
  [3, pause('scaler')],
  [2, pause('redis')],
  [1, pause('cloud')],
  [40, calls],
  [3, ({ chance }) => ({ kind: 'full-disk', ms: between(chance, 2000, 6000) })],
  [8, leaseClock],
];
/** These are dealt like cards, so that each comes as often as any other. */
const DEALT: readonly Make[] = [
  linkFault('swallow', ['redis web', 'redis app']),
  linkFault('swallow', ['aws web', 'aws scaler', 'aws worker']),
  linkFault('half-close', linkNames),
  linkFault('delay', linkNames),
  ({ chance }) => ({ kind: 'failover', ms: between(chance, 200, 4000) }),
  clock,
  ({ lasting }) => ({ kind: 'second-scaler', ms: lasting(6000, 60_000) }),
  ({ lasting }) => ({ kind: 'burst', times: 3, ms: lasting(1500, 4000) }),
  ({ lasting }) => ({ kind: 'birth', ms: lasting(5000, 40_000) }),
  ({ lasting }) => ({ kind: 'slow-down', ms: lasting(3000, LONGEST_MS) }),
  ...hostileKinds.map(
    (how): Make =>
      ({ chance, lasting }) => ({
        kind: 'hostile',
        how,
        pick: chance(),
        ms: lasting(4000, 20_000),
      }),
  ),
];
const LONGEST_MS = 180_000;
const DEALT_SHARE = 0.4;
const STORM_FAULTS = 40;
/** A lease whose end was moved this far outlives its instance by as much; then it ends by itself. */
const MOST_LEASE_MS = 200_000;
const MOST_CLAIM_MS = 600_000;
const MOST_CLOCK_MS = 3_600_000;
const MOST_DELAY_MS = 700;
const DUPLICATES_OR_DISORDER = 0.25;
const SOLOS_BETWEEN_STORMS = 4;
/** Of the faults in a storm, those that one on people follows. */
const PEOPLE_SHARE = 0.1;
const PEOPLE_SEED = 0x70656f70;

/** Endless; take as many as the run is long. */
export function* schedule(
  seed: number,
  options: ScheduleOptions,
): Generator<ScheduledFault, never> {
  const { perMinute, visibilityMs, leadMs = 0, quietMs = 0, longestMs = LONGEST_MS } = options;
  const { stormFaults = STORM_FAULTS } = options;
  const chance = seededChance(seed);
  const ofPeople = seededChance(seed + PEOPLE_SEED);
  const total = WEIGHTS.reduce((sum, [weight]) => sum + weight, 0);
  const inStorms = dealer(chance);
  const alone = dealer(chance);
  const most = (ms: number): number => Math.min(ms, longestMs);
  const make = (isAlone: boolean): Fault => {
    const lasting: Lasting = (usual, longest) =>
      between(chance, 0.5, 1) * (isAlone ? most(longest) : Math.min(usual, most(longest)));
    const making = { chance, pauseMs: between(chance, 1.2, 1.8) * visibilityMs, lasting };
    const deals = isAlone ? chance() < 0.8 : chance() < DEALT_SHARE;
    return (deals ? (isAlone ? alone() : inStorms()) : weighted(chance() * total))(making);
  };
  let at = leadMs;
  let number = 0;
  for (;;) {
    let calmAt = at;
    const faults = Math.round(stormFaults * between(chance, 0.5, 1.5));
    for (let i = 0; i < faults; i++) {
      at += (-60_000 / perMinute) * Math.log(1 - chance());
      const fault = make(false);
      calmAt = Math.max(calmAt, at + lengthOf(fault));
      yield { number: ++number, at, fault };
      // Only where the storm goes on: the quiet after it is as without them.
      if (options.people && i < faults * 0.8 && ofPeople() < PEOPLE_SHARE) {
        yield { number: ++number, at, fault: onPeople(ofPeople) };
      }
    }
    if (quietMs === 0) continue;
    at = calmAt + quietMs;
    for (let i = 0; i < SOLOS_BETWEEN_STORMS; i++) {
      const fault = make(true);
      yield { number: ++number, at, fault };
      at += lengthOf(fault) + quietMs;
    }
  }
}

function onPeople(chance: Chance): Fault {
  return {
    kind: 'people',
    how: oneOf(chance, peopleFaults)!,
    pick: chance(),
    share: between(chance, 0.3, 1),
    ms: between(chance, 1000, 4000),
  };
}

/** Each of DEALT once, in some order, then all again in another. */
function dealer(chance: Chance): () => Make {
  let deck: Make[] = [];
  return () => {
    if (deck.length === 0) deck = [...DEALT];
    return deck.splice(Math.floor(chance() * deck.length), 1)[0]!;
  };
}

function weighted(point: number): Make {
  let left = point;
  for (const [weight, make] of WEIGHTS) {
    left -= weight;
    if (left < 0) return make;
  }
  return calls;
}

function kill(what: ProcessKind): Make {
  return ({ chance }) => ({ kind: 'kill', what, pick: chance() });
}

function pause(what: ProcessKind): Make {
  return ({ chance, pauseMs }) => ({ kind: 'pause', what, pick: chance(), ms: pauseMs });
}

function calls({ chance }: Making): Fault {
  const forMessages = chance() < DUPLICATES_OR_DISORDER;
  const share = between(chance, 0.1, 0.7);
  const ms = between(chance, 500, 3000);
  if (forMessages) {
    const fault = chance() < 0.5 ? 'duplicate' : 'reorder';
    return { kind: 'calls', service: 'sqs', fault, share, ms };
  }
  const service = oneOf(chance, services)!;
  return { kind: 'calls', service, fault: oneOf(chance, callFaults.slice(0, 6))!, share, ms };
}

function leaseClock({ chance }: Making): Fault {
  const pick = chance();
  const of = chance() < 0.5 ? 'age' : 'state';
  const most = of === 'age' ? MOST_LEASE_MS : MOST_CLAIM_MS;
  return { kind: 'lease-clock', pick, of, ms: Math.round(between(chance, 1, most)) };
}

function linkFault(how: LinkFault, links: readonly LinkName[]): Make {
  return ({ chance, lasting }) => {
    const newToo = how === 'swallow' && chance() < 0.5;
    const ms = lasting(4000, 15_000);
    return {
      kind: 'link',
      link: oneOf(chance, links)!,
      how,
      pick: chance(),
      newToo,
      delayMs: how === 'delay' ? between(chance, 50, MOST_DELAY_MS) : 0,
      // What is swallowed or closed stays so; nothing ends later.
      ms: newToo || how === 'delay' ? ms : 0,
    };
  };
}

function clock({ chance, lasting }: Making): Fault {
  const what = chance() < 0.5 ? 'web' : 'scaler';
  const sign = chance() < 0.5 ? -1 : 1;
  const shiftMs = Math.round(sign * between(chance, 60_000, MOST_CLOCK_MS));
  return { kind: 'clock', what, pick: chance(), shiftMs, ms: lasting(6000, 30_000) };
}
