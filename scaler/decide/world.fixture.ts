/**
 * A small world in steps of one second for property tests: EC2 whose list lags, Redis that goes away
 * or forgets, workers that boot, work, hang and die. It knows the truth that the scaler only observes.
 */
import type { FleetInstance } from '../../cloud/ec2/instances.ts';
import type { Action, Launching } from './actions.ts';
import type { Weather } from './faults.fixture.ts';
import type { Observation } from './observation.ts';
import type { Outcome } from './outcomes.ts';
import {
  justLaunched,
  type KeptLease,
  leasesOf,
  listedOf,
  pressureOf,
  type Request,
  type TrueInstance,
} from './true-instance.fixture.ts';

const SECOND = 1000;
const VISIBILITY_MS = 30 * SECOND;
const SHUTDOWN_MS = 3 * SECOND;

export class World {
  now = 1_000_000;
  readonly instances: TrueInstance[] = [];
  readonly #lagMs: number;
  readonly #bootMs: number;
  readonly #lists: { at: number; list: FleetInstance[] }[] = [];
  readonly #tokens = new Map<string, TrueInstance>();
  #queue: Request[] = [];
  /** Of dead or hung workers: in flight until the visibility timeout. */
  #lostInFlight: { request: Request; backAt: number }[] = [];
  #requests = 0;
  #redis = { leases: new Map<string, KeptLease>(), drains: new Set<string>() };
  #pressure = new Map<number, number>();

  readonly #skewMs: number;

  /** @param skewSeconds how far EC2's clock is ahead of the scaler's */
  constructor(of: Readonly<Record<'lagSeconds' | 'bootSeconds' | 'skewSeconds', number>>) {
    this.#lagMs = of.lagSeconds * SECOND;
    this.#skewMs = of.skewSeconds * SECOND;
    this.#bootMs = of.bootSeconds * SECOND;
  }

  /** pending or running, whether EC2 lists them or not. */
  get alive(): TrueInstance[] {
    return this.instances.filter(({ state }) => state === 'running');
  }
  /** In the warm pool, or on the way there. */
  get atRest(): TrueInstance[] {
    return this.instances.filter(({ state }) => state === 'stopping' || state === 'stopped');
  }
  get waiting(): number {
    return this.#queue.length + this.#lostInFlight.length;
  }

  /** One second of life, before the scaler looks. */
  step(weather: Weather): void {
    this.now += SECOND;
    if (weather.flush) {
      this.#redis = { leases: new Map(), drains: new Set() };
      this.#pressure.clear();
    }
    const redisUp = !weather.unreadable.includes('redis');
    for (let i = 0; i < weather.arrivals; i++) {
      const request = { id: this.#requests++, work: weather.work * SECOND, cameAt: this.now };
      this.#queue.push(request);
      if (redisUp) this.#pressure.set(request.id, this.now);
    }
    const { alive } = this;
    const hanging = weather.hang === undefined ? undefined : alive[weather.hang];
    if (hanging) {
      hanging.hung = true;
      this.#lose(hanging);
    }
    const dying = weather.die === undefined ? undefined : alive[weather.die];
    if (dying) this.#end(dying);
    this.#queue.push(...this.#cameBack());
    for (const instance of this.instances) this.#live(instance, redisUp);
    this.#lists.push({ at: this.now, list: listedOf(this.instances, this.#skewMs) });
  }

  observe({ unreadable, jitter }: Weather): Observation {
    const asOf = this.now - this.#lagMs - jitter * SECOND;
    const list = this.#lists.findLast(({ at }) => at <= asOf)?.list ?? [];
    const readable = (what: Weather['unreadable'][number]) => !unreadable.includes(what);
    const inFlight =
      this.instances.reduce((sum, { inHand }) => sum + inHand.length, 0) +
      this.#lostInFlight.length;
    return {
      now: this.now,
      instances: readable('instances') ? list : undefined,
      leases:
        readable('instances') && readable('redis')
          ? leasesOf(this.#redis.leases, list, this.now)
          : undefined,
      pressure: readable('redis') ? pressureOf([...this.#pressure.values()], this.now) : undefined,
      depth: readable('queue') ? { visible: this.#queue.length, inFlight, delayed: 0 } : undefined,
    };
  }

  carryOut(actions: readonly Action[], weather: Weather): Outcome[] {
    return actions.flatMap((action): Outcome[] => {
      if (action.kind === 'launch') return this.#answerLaunch(action, weather);
      if (action.kind === 'inquire') {
        const { state } = this.instances.find(({ id }) => id === action.instanceId)!;
        return [{ kind: 'ended', instanceId: action.instanceId, state }];
      }
      if (action.kind === 'forget-pressure') {
        for (const [id, at] of this.#pressure) if (at < action.before) this.#pressure.delete(id);
        return [];
      }
      const { instanceId } = action;
      const instance = this.instances.find(({ id }) => id === instanceId)!;
      if (action.kind === 'drain') this.#redis.drains.add(instanceId);
      if (action.kind === 'name' && !weather.namesFail) instance.unnamed = false;
      if (action.kind === 'stop' || action.kind === 'start') {
        const { rests = 'yes' } = weather;
        if (action.kind === 'start') this.#forget(instanceId);
        if (rests === 'yes' || rests === 'unheard') this.#rest(instance, action.kind);
        if (rests === 'yes' && action.kind === 'stop') this.#forget(instanceId);
        if (rests === 'yes') return [];
        const refused = rests === 'refused';
        return [{ kind: `${action.kind}-failed`, instanceIds: [instanceId], refused }];
      }
      if (action.kind !== 'terminate') return [];
      const refused = weather.locked?.includes(instance.number) === true;
      if (weather.terminations === 'fail' || refused) {
        return [{ kind: 'terminate-failed', instanceIds: [instanceId], refused }];
      }
      this.#forget(instanceId);
      if (instance.state === 'stopped' || instance.state === 'stopping')
        instance.state = 'terminated';
      if (instance.state === 'running') this.#end(instance);
      return [];
    });
  }

  #answerLaunch({ call, nonce, number }: Launching, weather: Weather): Outcome[] {
    const { launches, room = Number.POSITIVE_INFINITY, full = [] } = weather;
    const token = `${call.nonce} ${number}`;
    const there = this.#tokens.get(token);
    const none = full.includes(call.place.instanceType) || call.numbers.indexOf(number) >= room;
    if (launches === 'lost') return [{ kind: 'launch-failed', nonce, refused: false }];
    if (launches === 'refused' || (none && there === undefined)) {
      const code = none ? 'InsufficientInstanceCapacity' : 'VcpuLimitExceeded';
      return [{ kind: 'launch-failed', nonce, refused: true, code }];
    }
    const { spot } = call.place;
    const { id } =
      there ??
      this.#launch(token, number, {
        spot,
        unnamed: call.numbers.length > 1,
        stillborn: weather.stillborn === true,
      });
    return launches === 'yes'
      ? [{ kind: 'launched', nonce, instanceId: id }]
      : [{ kind: 'launch-failed', nonce, refused: false }];
  }

  #forget(instanceId: string): void {
    this.#redis.leases.delete(instanceId);
    this.#redis.drains.delete(instanceId);
  }

  /** A stop gives up what is in hand, as the end of a machine does. */
  #rest(instance: TrueInstance, how: 'start' | 'stop'): void {
    if (how === 'stop' && instance.state === 'running') {
      this.#end(instance);
      instance.state = 'stopping';
    }
    if (how === 'start' && instance.state === 'stopped') {
      Object.assign(instance, justLaunched(this.now));
    }
  }

  #launch(
    token: string,
    number: number,
    kind: Pick<TrueInstance, 'spot' | 'unnamed' | 'stillborn'>,
  ): TrueInstance {
    const id = `i-${this.instances.length}`;
    const instance = { id, number, ...kind, ...justLaunched(this.now), endsAt: 0, inHand: [] };
    this.instances.push(instance);
    this.#tokens.set(token, instance);
    return instance;
  }

  #end(instance: TrueInstance): void {
    instance.state = 'shutting-down';
    instance.endsAt = this.now + SHUTDOWN_MS;
    this.#lose(instance);
  }

  /** What it has in hand is in flight until its visibility ends. */
  #lose(instance: TrueInstance): void {
    for (const { request } of instance.inHand.splice(0)) {
      this.#lostInFlight.push({ request, backAt: this.now + VISIBILITY_MS });
    }
  }

  #cameBack(): Request[] {
    const back = this.#lostInFlight.filter(({ backAt }) => backAt <= this.now);
    this.#lostInFlight = this.#lostInFlight.filter(({ backAt }) => backAt > this.now);
    return back.map(({ request }) => request);
  }

  #live(instance: TrueInstance, redisUp: boolean): void {
    if (instance.state === 'shutting-down' && this.now >= instance.endsAt) {
      instance.state = 'terminated';
    }
    if (instance.state === 'stopping' && this.now >= instance.endsAt) instance.state = 'stopped';
    if (instance.state !== 'running' || instance.hung) return;
    if (instance.stillborn) {
      if (this.now > instance.launchedAt + SECOND) this.#end(instance);
      return;
    }
    if (this.now < instance.launchedAt + this.#bootMs) return;
    for (const held of [...instance.inHand]) {
      if (held.doneAt > this.now) continue;
      instance.inHand.splice(instance.inHand.indexOf(held), 1);
      instance.finished += 1;
      if (redisUp) this.#pressure.delete(held.request.id);
    }
    const draining =
      instance.lease === 'draining' ||
      instance.lease === 'drained' ||
      (redisUp && this.#redis.drains.has(instance.id));
    const request = draining || instance.inHand.length > 1 ? undefined : this.#queue.shift();
    if (request) instance.inHand.push({ request, doneAt: this.now + request.work });
    const busy = instance.inHand.length > 0;
    const lease = draining ? (busy ? 'draining' : 'drained') : busy ? 'busy' : 'idle';
    if (lease !== instance.lease) instance.since = this.now;
    instance.lease = lease;
    if (!redisUp) return;
    this.#redis.leases.set(instance.id, {
      state: lease,
      forMs: this.now - instance.since,
      inHand: instance.inHand.length,
      finished: instance.finished,
      silentMs: 0,
      at: this.now,
    });
  }
}
