/**
 * How the real EC2 is unlike a perfect one, as decisions: how long things take, which calls fail, which
 * answers are lost, what there is no hardware for, when spot instances are taken back. All of it is off
 * unless settings say otherwise. Decides only; knows no clock, no process and no HTTP.
 */
import { createHash } from 'node:crypto';
import type { Settings } from '../../../runtime/settings.ts';
import { Ec2Error } from '../errors.ts';

type ImitationName = Extract<keyof Settings, `LOCAL_EC2_${string}`>;
export type ImitationSettings = { readonly [Name in ImitationName]?: Settings[Name] };

/** When a spot instance gets its notices and is taken, in ms from when it runs. */
export interface SpotFate {
  readonly rebalanceMs: number;
  readonly noticeMs: number;
  readonly interruptionMs: number;
}

/** What limits count instances by. */
export interface Kind {
  readonly instanceType: string;
  readonly subnetId: string | undefined;
  readonly spot: boolean;
}

/** How many more there can be. */
export interface Capacity {
  readonly hardware: number;
  readonly addresses: number;
}

export type StopKind = 'stop' | 'hibernate';

interface Range {
  readonly least: number;
  readonly most: number;
}

interface ActionShare {
  /** `*` is any. */
  readonly action: string;
  readonly share: number;
  readonly code: string;
}

/** EC2 says so with a 500, which makes SDKs try again. */
const NO_HARDWARE_STATUS = 500;
const DEFAULT_SEED = 1;
const DEFAULT_NOTICE_SECONDS = 120;
/** Statuses of EC2's errors that are not the caller's fault; clients retry them for it. */
const STATUSES: Readonly<Record<string, number>> = {
  InsufficientInstanceCapacity: NO_HARDWARE_STATUS,
  InternalError: 500,
  InternalFailure: 500,
  RequestLimitExceeded: 503,
  ServiceUnavailable: 503,
  Unavailable: 503,
};
const MESSAGES: Readonly<Record<string, string>> = {
  InternalError: 'An internal error has occurred.',
  RequestLimitExceeded: 'Request limit exceeded.',
};

/**
 * Every random choice is the nth of its kind under the seed, so that the nth launch boots as long, and
 * the nth call of an action fares the same, however calls of other kinds fall between.
 */
export class Imitation {
  /** How much later than they happen, in ms, new instances and states show in lists. */
  readonly lagMs: number;
  readonly #seed: number;
  readonly #boot: Range;
  readonly #start: Range;
  readonly #stop: Readonly<Record<StopKind, Range>>;
  readonly #failures: readonly ActionShare[];
  readonly #lostReplies: readonly ActionShare[];
  readonly #capacity: ReadonlyMap<string, number>;
  readonly #interruptionsPerHour: number;
  readonly #noticeMs: number;
  readonly #counts = new Map<string, number>();

  /** @param settings checked by the schema; without any, nothing is imitated */
  constructor(settings: ImitationSettings = {}) {
    this.lagMs = (settings.LOCAL_EC2_LAG_SECONDS ?? 0) * 1000;
    this.#seed = settings.LOCAL_EC2_SEED ?? DEFAULT_SEED;
    this.#boot = rangeOf(settings.LOCAL_EC2_BOOT_SECONDS);
    this.#start = rangeOf(settings.LOCAL_EC2_START_SECONDS);
    const stop = rangeOf(settings.LOCAL_EC2_STOP_SECONDS);
    this.#stop = { stop, hibernate: rangeOf(settings.LOCAL_EC2_HIBERNATE_SECONDS, stop) };
    this.#failures = sharesOf(settings.LOCAL_EC2_FAILURES);
    this.#lostReplies = sharesOf(settings.LOCAL_EC2_LOST_REPLIES);
    this.#capacity = capacityOf(settings.LOCAL_EC2_CAPACITY);
    this.#interruptionsPerHour = settings.LOCAL_EC2_SPOT_INTERRUPTIONS ?? 0;
    this.#noticeMs = (settings.LOCAL_EC2_SPOT_NOTICE_SECONDS ?? DEFAULT_NOTICE_SECONDS) * 1000;
  }

  /** How long the next launched instance stays pending, in ms. */
  bootMs(): number {
    return between(this.#boot, this.#draw('boot')) * 1000;
  }

  /** How long the next stopped instance that is started stays pending, in ms. */
  startMs(): number {
    return between(this.#start, this.#draw('start')) * 1000;
  }

  /** How long the next instance is still stopping when nothing of it runs any more, in ms. */
  stopMs(kind: StopKind): number {
    return between(this.#stop[kind], this.#draw(kind)) * 1000;
  }

  /** The error that the next call of this action gets instead of being carried out. */
  failure(action: string): Ec2Error | undefined {
    const hit = this.#hit(this.#failures, 'failure', action);
    return hit && errorOf(hit.code);
  }

  /** Whether the answer to the next call of this action is lost: it is carried out all the same. */
  losesReply(action: string): boolean {
    return this.#hit(this.#lostReplies, 'reply', action) !== undefined;
  }

  /**
   * How many more instances of one kind there is hardware for, and addresses in its subnet.
   * @param inUse each instance that takes up hardware now
   */
  capacityFor(kind: Kind, inUse: readonly Kind[]): Capacity {
    const left = (limit: string | undefined, uses: (one: Kind) => boolean): number => {
      const most = limit === undefined ? undefined : this.#capacity.get(limit);
      return most === undefined
        ? Number.POSITIVE_INFINITY
        : Math.max(0, most - inUse.filter(uses).length);
    };
    return {
      hardware: Math.min(
        left('*', () => true),
        left(kind.instanceType, ({ instanceType }) => instanceType === kind.instanceType),
        kind.spot ? left('spot', ({ spot }) => spot) : Number.POSITIVE_INFINITY,
      ),
      addresses: left(kind.subnetId, ({ subnetId }) => subnetId === kind.subnetId),
    };
  }

  /** What becomes of the next spot instance; undefined when it is left alone. Interruptions come as a Poisson process. */
  spotFate(): SpotFate | undefined {
    if (this.#interruptionsPerHour === 0) return undefined;
    const hours = -Math.log(1 - this.#draw('spot')) / this.#interruptionsPerHour;
    const noticeMs = hours * 3_600_000;
    return {
      // The recommendation may come long before the notice or right with it.
      rebalanceMs: noticeMs * this.#draw('rebalance'),
      noticeMs,
      interruptionMs: noticeMs + this.#noticeMs,
    };
  }

  /** One draw decides among all that may befall a call. */
  #hit(shares: readonly ActionShare[], kind: string, called: string): ActionShare | undefined {
    const concerned = shares.filter(({ action }) => action === called || action === '*');
    if (concerned.length === 0) return undefined;
    let rest = this.#draw(`${kind} ${called}`);
    return concerned.find(({ share }) => {
      rest -= share;
      return rest < 0;
    });
  }

  #draw(kind: string): number {
    const count = this.#counts.get(kind) ?? 0;
    this.#counts.set(kind, count + 1);
    return draw(this.#seed, kind, count);
  }
}

/** A number in [0, 1) that looks random and is always the same for the same arguments. */
export function draw(seed: number, kind: string, count: number): number {
  const digest = createHash('sha256').update(`${seed} ${kind} ${count}`).digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}

function between({ least, most }: Range, at: number): number {
  return least + (most - least) * at;
}

function rangeOf(text: string | undefined, otherwise: Range = { least: 0, most: 0 }): Range {
  if (text === undefined) return otherwise;
  const [least = 0, most = least] = text.split('-').map(Number);
  return { least, most };
}

/** `Action=share:Code,…`; a lost reply has no code. */
function sharesOf(text: string | undefined): ActionShare[] {
  return (text?.split(',') ?? []).map((entry) => {
    const [action = '', rest = ''] = entry.split('=');
    const [share = '', code = ''] = rest.split(':');
    return { action, share: Number(share), code };
  });
}

function capacityOf(text: string | undefined): Map<string, number> {
  const entries = text?.split(',').map((entry) => entry.split('=')) ?? [];
  return new Map(entries.map(([type = '', count]) => [type, Number(count)]));
}

function errorOf(code: string): Ec2Error {
  const message = MESSAGES[code] ?? `The local EC2 was set to answer ${code}.`;
  return new Ec2Error(code, message, { status: STATUSES[code] ?? 400 });
}

/** What EC2 says when a subnet is full. */
export function noAddresses(subnetId: string): Ec2Error {
  return new Ec2Error(
    'InsufficientFreeAddressesInSubnet',
    `There are not enough free addresses in subnet '${subnetId}' to satisfy the requested number of instances.`,
  );
}

/** What EC2 says when it has no hardware for what is asked. */
export function noHardware(instanceType: string, zone: string): Ec2Error {
  return new Ec2Error(
    'InsufficientInstanceCapacity',
    `We currently do not have sufficient ${instanceType} capacity in the Availability Zone you requested (${zone}).`,
    { status: NO_HARDWARE_STATUS },
  );
}
