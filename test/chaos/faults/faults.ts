/** Every fault there is, what it is called and how long it lasts. Data only. */

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

/** Connections by the process that made them and where they lead. Scaler and workers share their Redis address. */
export const linkNames = ['redis web', 'redis app', 'aws web', 'aws scaler', 'aws worker'] as const;
export type LinkName = (typeof linkNames)[number];

export const linkFaults = ['swallow', 'half-close', 'delay'] as const;
export type LinkFault = (typeof linkFaults)[number];

export const hostileKinds = ['pipelined', 'never-reading', 'slow-uploads'] as const;
export type HostileKind = (typeof hostileKinds)[number];

/** `pick` in [0, 1) chooses among the targets there are when the fault comes. */
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
    }
  | {
      readonly kind: 'link';
      readonly link: LinkName;
      readonly how: LinkFault;
      readonly pick: number;
      /** Of `swallow`: whether connections made meanwhile are swallowed too. */
      readonly newToo: boolean;
      /** Of `delay`: how long each piece of data is held back, one way. */
      readonly delayMs: number;
      readonly ms: number;
    }
  /** The primary Redis becomes a read-only replica; its name follows to the new one after `ms`. */
  | { readonly kind: 'failover'; readonly ms: number }
  | {
      readonly kind: 'clock';
      readonly what: 'web' | 'scaler';
      readonly pick: number;
      /** Above 0: ahead. */
      readonly shiftMs: number;
      readonly ms: number;
    }
  /** One of the same project, with an empty Redis of its own. */
  | { readonly kind: 'second-scaler'; readonly ms: number }
  /** Uploads at this multiple of the measured capacity. */
  | { readonly kind: 'burst'; readonly times: number; readonly ms: number }
  /** Instances that are launched meanwhile end at once. */
  | { readonly kind: 'birth'; readonly ms: number }
  /** S3 refuses every call with SlowDown. */
  | { readonly kind: 'slow-down'; readonly ms: number }
  | {
      readonly kind: 'hostile';
      readonly how: HostileKind;
      readonly pick: number;
      readonly ms: number;
    }
  /** What hits changes of people: a web node is killed in one, or calls to the people bucket fail. */
  | {
      readonly kind: 'people';
      readonly how: PeopleFault;
      readonly pick: number;
      /** Of the calls, those that are hit. */
      readonly share: number;
      readonly ms: number;
    };

export const peopleFaults = ['kill-in-change', 'slow', 'lost-write', '503'] as const;
export type PeopleFault = (typeof peopleFaults)[number];

export type FaultOf<Kind extends Fault['kind']> = Extract<Fault, { readonly kind: Kind }>;

/** How long it lasts; 0 for what happens at once. */
export function lengthOf(fault: Fault): number {
  return 'ms' in fault && fault.kind !== 'lease-clock' ? fault.ms : 0;
}

/** The row of the report that it is counted in. */
export function rowOf(fault: Fault): string {
  switch (fault.kind) {
    case 'kill':
    case 'pause':
    case 'clock':
      return `${fault.kind} ${fault.what}`;
    case 'calls':
      return `${fault.service} ${fault.fault}`;
    case 'link':
      return `${fault.link} ${fault.how}`;
    case 'hostile':
      return `${fault.how} clients`;
    case 'people':
      return `people ${fault.how}`;
    default:
      return fault.kind;
  }
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
    case 'link':
      return linkInWords(fault);
    case 'failover':
      return `Redis fails over; its name follows after ${seconds(fault.ms)}`;
    case 'clock':
      return `clock of the ${fault.what} ${seconds(Math.abs(fault.shiftMs))} ${fault.shiftMs > 0 ? 'ahead' : 'behind'} for ${seconds(fault.ms)}`;
    case 'second-scaler':
      return `a second scaler with an empty Redis, ${seconds(fault.ms)}`;
    case 'burst':
      return `burst at ${fault.times} times the capacity, ${seconds(fault.ms)}`;
    case 'birth':
      return `new instances end at once, ${seconds(fault.ms)}`;
    case 'slow-down':
      return `S3 says SlowDown to every call, ${seconds(fault.ms)}`;
    case 'hostile':
      return `${fault.how} clients, ${seconds(fault.ms)}`;
    case 'people':
      return fault.how === 'kill-in-change'
        ? 'kill -9 of a web node that changes people'
        : `people bucket: ${fault.how} for ${Math.round(fault.share * 100)} % of the calls, ${seconds(fault.ms)}`;
  }
}

function linkInWords({ link, how, newToo, delayMs, ms }: FaultOf<'link'>): string {
  const [service, client] = link.split(' ');
  const to = `${service === 'aws' ? 'AWS' : 'Redis'} connections of ${client}`;
  if (how === 'half-close') return `${to} are half-closed`;
  if (how === 'delay') return `${to} delayed by ${Math.round(delayMs)} ms each way, ${seconds(ms)}`;
  return newToo
    ? `${to} swallowed, new ones too, ${seconds(ms)}`
    : `${to} swallowed, new ones work`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** Uniform in [0, 1). */
export type Chance = () => number;

/** "mulberry32" (T. Ettinger, public domain): 32 bits of state are enough for a schedule. */
export function seededChance(seed: number): Chance {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function between(chance: Chance, low: number, high: number): number {
  return low + (high - low) * chance();
}

/** One of them; undefined when there is none. */
export function oneOf<T>(chance: Chance, items: readonly T[]): T | undefined {
  return items[Math.floor(chance() * items.length)];
}
