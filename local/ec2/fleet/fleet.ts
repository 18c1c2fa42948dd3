/**
 * The embedded EC2's instances: each carried by one process, its state following the process's life.
 * Knows nothing about HTTP, XML or how a process is started.
 */
import { createHash, randomBytes } from 'node:crypto';
import { Ec2Error, instancesNotFound } from '../errors.ts';
import type { RunInstancesRequest } from '../requests.ts';
import type { Imitation } from './imitation.ts';
import {
  type ChangeEvent,
  endedBy,
  type Instance,
  nextState,
  STATE_CODES,
  type StateEvent,
  type StateName,
  whyNot,
} from './instance.ts';
import { LaggingList } from './lagging-list.ts';
import {
  capacityFor,
  checkHardware,
  externalPlan,
  type InstancePlan,
  launchCount,
  launchPlan,
} from './launch.ts';
import { type LaunchMachine, Machines } from './machines.ts';
import { SpotMarket } from './spot.ts';

export interface FleetOptions {
  readonly launch: LaunchMachine;
  readonly region: string;
  /** Instances that may exist at once, external ones not counted. */
  readonly limit: number;
  readonly imitation: Imitation;
  /** How long a terminated instance is still listed. */
  readonly keepTerminatedMs: number;
  readonly now: () => Date;
  readonly onChange: (instance: Instance, before: StateName | undefined) => void;
  /** Called when a spot instance gets its interruption notice. */
  readonly onSpotNotice: (instance: Instance) => void;
}

export interface StateChange {
  readonly instance: Instance;
  readonly before: StateName;
}

export class InstanceFleet {
  readonly #options: FleetOptions;
  readonly #instances = new Map<string, Instance>();
  readonly #machines: Machines;
  readonly #lists: LaggingList;
  readonly #spotMarket: SpotMarket;
  readonly #tokens = new Map<string, { fingerprint: string; reservationId: string }>();
  #sequence = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#machines = new Machines({
      launch: options.launch,
      onSpawned: (instance) => this.#apply(instance, 'spawned'),
      onGone: (instance, how, code) => this.#exited(instance, how, code),
    });
    this.#lists = new LaggingList(options.imitation.lagMs);
    this.#spotMarket = new SpotMarket({
      fate: () => options.imitation.spotFate(),
      now: options.now,
      onNotice: options.onSpotNotice,
      onInterruption: (instance) => {
        this.#apply(instance, 'interrupt');
        this.#machines.stop(instance);
      },
    });
  }

  get region(): string {
    return this.#options.region;
  }

  /** Every instance that is not forgotten yet, in order of launch. */
  list(): Instance[] {
    const oldest = this.#options.now().getTime() - this.#options.keepTerminatedMs;
    for (const [id, { endedAt, clientToken }] of this.#instances) {
      if (endedAt === undefined || endedAt.getTime() >= oldest) continue;
      this.#instances.delete(id);
      if (clientToken) this.#tokens.delete(clientToken);
    }
    return [...this.#instances.values()];
  }

  /** The instances as lists show them: what is new may be missing yet. */
  seen(): Instance[] {
    return this.#lists.show(this.list(), this.#options.now());
  }

  /**
   * The instances of these ids, in that order.
   * @throws {Ec2Error} InvalidInstanceID.Malformed or InvalidInstanceID.NotFound.
   */
  find(ids: readonly string[], among: readonly Instance[] = this.list()): Instance[] {
    const malformed = ids.find((id) => !/^i-(?:[0-9a-f]{8}|[0-9a-f]{17})$/.test(id));
    if (malformed !== undefined) {
      throw new Ec2Error('InvalidInstanceID.Malformed', `Invalid id: "${malformed.slice(0, 100)}"`);
    }
    const byId = new Map(among.map((instance) => [instance.id, instance]));
    const unknown = ids.filter((id) => !byId.has(id));
    if (unknown.length > 0) throw instancesNotFound(unknown);
    return [...new Set(ids)].map((id) => byId.get(id)!);
  }

  /** Refuses what cannot be launched, changing nothing: also the whole of a dry run. */
  check(request: RunInstancesRequest): number {
    const { limit, region, imitation } = this.#options;
    const here = this.list().filter(({ external, state }) => !external && state !== 'terminated');
    const capacity = capacityFor(request, imitation, this.list());
    return launchCount(request, { account: limit - here.length, limit, ...capacity, region });
  }

  /**
   * Launches up to MaxCount instances; the same ClientToken gives the same ones again.
   * @throws {Ec2Error} IdempotentParameterMismatch, InstanceLimitExceeded, InsufficientInstanceCapacity, …
   */
  run(request: RunInstancesRequest): Instance[] {
    const { ClientToken: token } = request;
    const fingerprint = createHash('sha256').update(JSON.stringify(request)).digest('hex');
    const earlier = token ? this.#tokens.get(token) : undefined;
    if (earlier !== undefined) {
      const same = this.list().filter((one) => one.reservationId === earlier.reservationId);
      if (same.length > 0) {
        if (earlier.fingerprint === fingerprint) return same;
        throw new Ec2Error(
          'IdempotentParameterMismatch',
          'The client token was used before with other parameters.',
        );
      }
    }
    const count = this.check(request);
    const reservationId = newId('r');
    const { region, imitation } = this.#options;
    if (token) this.#tokens.set(token, { fingerprint, reservationId });
    return Array.from({ length: count }, (_, launchIndex) => {
      const instance = this.#create(launchPlan(request, { region, reservationId, launchIndex }));
      this.#machines.boot(instance, imitation.bootMs());
      return instance;
    });
  }

  /** Lists something that runs already, by other hands, as a running instance. */
  addExternal(what: Pick<Instance, 'imageId' | 'instanceType' | 'tags'>): Instance {
    const plan = externalPlan({ ...what, reservationId: newId('r') }, this.#options.region);
    return this.#create(plan);
  }

  /**
   * Terminates, stops or starts: all of them, or none when one may not.
   * @throws {Ec2Error} what `whyNot` says, or InsufficientInstanceCapacity.
   */
  change(
    ids: readonly string[],
    event: ChangeEvent,
    { dryRun = false, hibernate = false } = {},
  ): StateChange[] {
    const { imitation } = this.#options;
    const instances = this.find(ids);
    for (const instance of instances) {
      const refusal = whyNot(instance, event);
      if (refusal !== undefined) throw refusal;
    }
    if (event === 'start') checkHardware(instances, imitation, this.list());
    if (dryRun) return [];
    return instances.map((instance) => {
      const before = instance.state;
      this.#apply(instance, event);
      const starts = before === 'stopped' && instance.state === 'pending';
      if (starts) this.#machines.boot(instance, imitation.startMs());
      if (event === 'terminate') this.#machines.stop(instance);
      if (event === 'stop' && before === 'running') {
        this.#machines.stop(instance, imitation.stopMs(hibernate ? 'hibernate' : 'stop'));
      }
      return { instance, before };
    });
  }

  /** Ends every machine and waits until all are gone. Nothing launches after. */
  async close(): Promise<void> {
    for (const instance of this.#instances.values()) {
      if (!instance.external) this.#apply(instance, 'terminate');
    }
    await this.#machines.close();
  }

  #create(plan: InstancePlan): Instance {
    this.#sequence += 1;
    const instance: Instance = {
      ...plan,
      id: newId('i'),
      sequence: this.#sequence,
      // Where it can be reached: every instance is a process of this machine.
      privateIp: '127.0.0.1',
      launchTime: this.#options.now(),
      stateReason: undefined,
      transitionReason: '',
      endedAt: undefined,
      rebalanceAt: undefined,
      interruptionAt: undefined,
    };
    this.#instances.set(instance.id, instance);
    this.#lists.record(instance, instance.launchTime);
    this.#options.onChange(instance, undefined);
    return instance;
  }

  #exited(instance: Instance, how: string, code: string): void {
    const asked = instance.state === 'shutting-down' || instance.state === 'stopping';
    if (!asked) {
      instance.stateReason = { code, message: `${code}: ${how}` };
      instance.transitionReason = code.startsWith('Server') ? code : '';
    }
    this.#apply(instance, 'exited');
  }

  #apply(instance: Instance, event: StateEvent): void {
    const before = instance.state;
    const after = nextState(before, event);
    if (after === undefined || after === before) return;
    const now = this.#options.now();
    instance.state = after;
    if (event === 'terminate' || event === 'stop' || event === 'interrupt') {
      Object.assign(instance, endedBy(event, now));
    } else if (event === 'start') {
      instance.transitionReason = '';
      instance.stateReason = undefined;
      instance.launchTime = now;
    }
    if (STATE_CODES[after] === STATE_CODES.terminated) instance.endedAt = now;
    if (after === 'running') this.#spotMarket.enter(instance);
    else this.#spotMarket.leave(instance);
    this.#lists.record(instance, now);
    this.#options.onChange(instance, before);
  }
}

/** 17 hex digits, as EC2's ids have. */
function newId(kind: 'i' | 'r'): string {
  return `${kind}-0${randomBytes(8).toString('hex')}`;
}
