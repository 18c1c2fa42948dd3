/**
 * A small world in steps of one second for property tests: EC2 whose list lags, Redis that goes away
 * or forgets, workers that boot, work, hang and die. It knows the truth that the scaler only observes.
 */
import type { FleetInstance } from '../cloud/instances.ts';
import type { LeaseReading } from '../cloud/leases.ts';
import type { Action } from './actions.ts';
import type { Outcome } from './memory.ts';
import type { Observation } from './policy.ts';

export interface Weather {
  readonly arrivals: number;
  /** Seconds that each of these takes. */
  readonly work: number;
  readonly unreadable: readonly ('instances' | 'redis' | 'queue')[];
  readonly flush: boolean;
  /** `lost`: no answer, nothing launched. `unheard`: launched, but the answer is lost. */
  readonly launches: 'yes' | 'refused' | 'lost' | 'unheard';
  readonly terminations: 'yes' | 'fail';
  /** Seconds by which EC2's list is late in this step, added to the world's own lag. */
  readonly jitter: number;
  /** Which instance hangs or dies, by position among those alive. */
  readonly hang?: number;
  readonly die?: number;
}

export const calm: Weather = {
  arrivals: 0,
  work: 1,
  unreadable: [],
  flush: false,
  launches: 'yes',
  terminations: 'yes',
  jitter: 0,
};

interface Request {
  readonly id: number;
  readonly work: number;
  readonly cameAt: number;
}

export interface TrueInstance {
  readonly id: string;
  readonly number: number;
  readonly launchedAt: number;
  state: 'running' | 'shutting-down' | 'terminated';
  endsAt: number;
  hung: boolean;
  lease: 'starting' | 'idle' | 'busy' | 'draining' | 'drained';
  since: number;
  readonly inHand: { request: Request; doneAt: number }[];
  finished: number;
}

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
  #redis = { leases: new Map<string, LeaseReading & { at: number }>(), drains: new Set<string>() };
  #pressure = new Map<number, number>();

  constructor({ lagSeconds, bootSeconds }: { lagSeconds: number; bootSeconds: number }) {
    this.#lagMs = lagSeconds * SECOND;
    this.#bootMs = bootSeconds * SECOND;
  }

  /** pending or running, whether EC2 lists them or not. */
  get alive(): TrueInstance[] {
    return this.instances.filter(({ state }) => state === 'running');
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
    if (hanging) hanging.hung = true;
    const dying = weather.die === undefined ? undefined : alive[weather.die];
    if (dying) this.#end(dying);
    this.#queue.push(...this.#cameBack());
    for (const instance of this.instances) this.#live(instance, redisUp);
    this.#lists.push({ at: this.now, list: this.#listed() });
  }

  observe({ unreadable, jitter }: Weather): Observation {
    const asOf = this.now - this.#lagMs - jitter * SECOND;
    const list = this.#lists.findLast(({ at }) => at <= asOf)?.list ?? [];
    const readable = (what: Weather['unreadable'][number]) => !unreadable.includes(what);
    const inFlight =
      this.instances.reduce((sum, { inHand }) => sum + inHand.length, 0) +
      this.#lostInFlight.length;
    const times = [...this.#pressure.values()];
    return {
      now: this.now,
      instances: readable('instances') ? list : undefined,
      leases:
        readable('instances') && readable('redis')
          ? this.#leasesOf(list.map(({ id }) => id))
          : undefined,
      pressure: !readable('redis')
        ? undefined
        : times.length === 0
          ? { count: 0 }
          : { count: times.length, oldestAt: Math.min(...times) },
      depth: readable('queue') ? { visible: this.#queue.length, inFlight, delayed: 0 } : undefined,
    };
  }

  carryOut(actions: readonly Action[], { launches, terminations }: Weather): Outcome[] {
    return actions.flatMap((action): Outcome[] => {
      if (action.kind === 'drain') this.#redis.drains.add(action.instanceId);
      if (action.kind === 'forget-pressure') {
        for (const [id, at] of this.#pressure) if (at < action.before) this.#pressure.delete(id);
      }
      if (action.kind === 'terminate') {
        const { instanceId } = action;
        if (terminations === 'fail') {
          return [{ kind: 'terminate-failed', instanceIds: [instanceId] }];
        }
        this.#redis.leases.delete(instanceId);
        this.#redis.drains.delete(instanceId);
        const instance = this.instances.find(({ id }) => id === instanceId);
        if (instance?.state === 'running') this.#end(instance);
      }
      if (action.kind !== 'launch') return [];
      const { nonce, number } = action;
      if (launches === 'refused' || launches === 'lost') {
        return [{ kind: 'launch-failed', nonce, refused: launches === 'refused' }];
      }
      const { id } = this.#launch(`${number}-${nonce}`, number);
      return launches === 'yes'
        ? [{ kind: 'launched', nonce, instanceId: id }]
        : [{ kind: 'launch-failed', nonce, refused: false }];
    });
  }

  #launch(token: string, number: number): TrueInstance {
    const before = this.#tokens.get(token);
    if (before) return before;
    const instance: TrueInstance = {
      id: `i-${this.instances.length}`,
      number,
      launchedAt: this.now,
      state: 'running',
      endsAt: 0,
      hung: false,
      lease: 'starting',
      since: this.now,
      inHand: [],
      finished: 0,
    };
    this.instances.push(instance);
    this.#tokens.set(token, instance);
    return instance;
  }

  #end(instance: TrueInstance): void {
    instance.state = 'shutting-down';
    instance.endsAt = this.now + SHUTDOWN_MS;
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
    if (instance.state !== 'running' || instance.hung) return;
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

  #listed(): FleetInstance[] {
    return this.instances.flatMap(({ id, number, state, launchedAt }) =>
      state === 'terminated' ? [] : [{ id, number, state, launchedAt }],
    );
  }

  #leasesOf(ids: readonly string[]): Map<string, LeaseReading> {
    const readings = new Map<string, LeaseReading>();
    for (const id of ids) {
      const lease = this.#redis.leases.get(id);
      const silentMs = this.now - (lease?.at ?? 0);
      if (lease && silentMs < 60 * SECOND) readings.set(id, { ...lease, silentMs });
    }
    return readings;
  }
}
