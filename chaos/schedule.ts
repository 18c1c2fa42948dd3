/** Which faults come when, from nothing but a seed. Pure. */
import { between, type Chance, oneOf, seededChance } from './chance.ts';

export const processes = ['worker', 'inference', 'web', 'scaler', 'redis', 'cloud'] as const;
export type ProcessKind = (typeof processes)[number];

export const services = ['s3', 'sqs', 'ec2'] as const;
export type CloudService = (typeof services)[number];

/** What the fault proxy does to a call. `duplicate` and `reorder` concern messages only. */
export const callFaults = [
  '500',
  '503',
  'throttle',
  'reset',
  'slow',
  'lost-reply',
  'duplicate',
  'reorder',
] as const;
export type CallFault = (typeof callFaults)[number];

export type Fault =
  | { readonly kind: 'kill'; readonly what: ProcessKind; readonly pick: number }
  | {
      readonly kind: 'pause';
      readonly what: ProcessKind;
      readonly pick: number;
      readonly ms: number;
    }
  | {
      readonly kind: 'calls';
      readonly fault: CallFault;
      readonly service: CloudService;
      /** Of the calls, those that are hit. */
      readonly share: number;
      readonly ms: number;
    }
  | { readonly kind: 'full-disk'; readonly ms: number }
  /** A lease's clock jumps: its age, or the time its instance claims to have been as it is. */
  | {
      readonly kind: 'lease-clock';
      readonly pick: number;
      readonly of: 'age' | 'state';
      readonly ms: number;
    };

export interface ScheduledFault {
  readonly number: number;
  /** ms from the start of the run. */
  readonly at: number;
  readonly fault: Fault;
}

/** Out of 100 faults about so many. Restarts of everything are rare, or nothing else would be met. */
const WEIGHTS: readonly (readonly [number, (chance: Chance, pauseMs: number) => Fault])[] = [
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
  [3, (chance) => ({ kind: 'full-disk', ms: between(chance, 2000, 6000) })],
  [6, leaseClock],
];
/** A lease whose end was moved this far outlives its instance by as much; then it ends by itself. */
const MOST_LEASE_MS = 200_000;
const MOST_CLAIM_MS = 600_000;
const DUPLICATES_OR_DISORDER = 0.25;

/**
 * Endless; take as many as the run is long.
 * @param perMinute faults, on average; their distance is exponential
 * @param visibilityMs pauses are longer than this
 */
export function* schedule(
  seed: number,
  { perMinute, visibilityMs }: { perMinute: number; visibilityMs: number },
): Generator<ScheduledFault, never> {
  const chance = seededChance(seed);
  const total = WEIGHTS.reduce((sum, [weight]) => sum + weight, 0);
  let at = 0;
  for (let number = 1; ; number++) {
    at += (-60_000 / perMinute) * Math.log(1 - chance());
    const make = weighted(chance() * total);
    yield { number, at, fault: make(chance, between(chance, 1.2, 1.8) * visibilityMs) };
  }
}

function weighted(point: number): (typeof WEIGHTS)[number][1] {
  let left = point;
  for (const [weight, make] of WEIGHTS) {
    left -= weight;
    if (left < 0) return make;
  }
  return calls;
}

function kill(what: ProcessKind): (chance: Chance) => Fault {
  return (chance) => ({ kind: 'kill', what, pick: chance() });
}

function pause(what: ProcessKind): (chance: Chance, pauseMs: number) => Fault {
  return (chance, ms) => ({ kind: 'pause', what, pick: chance(), ms });
}

function calls(chance: Chance): Fault {
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

function leaseClock(chance: Chance): Fault {
  const pick = chance();
  const of = chance() < 0.5 ? 'age' : 'state';
  const most = of === 'age' ? MOST_LEASE_MS : MOST_CLAIM_MS;
  return { kind: 'lease-clock', pick, of, ms: Math.round(between(chance, 1, most)) };
}

/** A fault in the words of the event log. */
export function inWords(fault: Fault): string {
  switch (fault.kind) {
    case 'kill':
      return `kill -9 ${fault.what}`;
    case 'pause':
      return `stop ${fault.what} for ${seconds(fault.ms)}`;
    case 'calls':
      return `${fault.service}: ${fault.fault} for ${Math.round(fault.share * 100)} % of the calls, ${seconds(fault.ms)}`;
    case 'full-disk':
      return `full temp folder of the workers, ${seconds(fault.ms)}`;
    case 'lease-clock':
      return `a lease's ${fault.of === 'age' ? 'age' : 'time in its state'} jumps to ${seconds(fault.ms)}`;
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
