/**
 * The exact simulation: every arrival, boot, request and drain is an event. One queue, first in first
 * out; an idle instance takes the next request at once. For loads of up to some 100,000 requests.
 */
import { Instances } from './instances.ts';
import { seededRandom, serviceTime } from './random.ts';
import {
  Latencies,
  type Moment,
  type Outcome,
  type Scaler,
  type View,
  type World,
} from './world.ts';

/** What an event is: `4 × instance + kind`. */
const FINISHED = 0;
const READY = 1;
const GONE = 2;
const PLANNED = 3;

/** Number of horizons to wait for the last answer. */
const PATIENCE = 2;

/**
 * @param arrivals seconds, ascending
 * @param observe told how things stand once a second
 */
export function simulateExactly(
  arrivals: Float64Array,
  scaler: Scaler,
  world: World,
  observe?: (moment: Moment) => void,
): Outcome {
  const services = seededRandom(world.seed);
  const boots = seededRandom(world.seed + 1);
  const choices = seededRandom(world.seed + 2);
  const instances = new Instances();
  const events = new Events();
  const latencies = new Latencies();
  const inWork = new Map<number, number>(); // Which request an instance works on.
  let arrived = 0;
  let started = 0;
  let finishedAt = 0;
  let now = 0;
  let since = fresh();

  const bootSeconds = (): number =>
    world.boot.least + boots() * (world.boot.most - world.boot.least);
  const startWork = (): void => {
    while (started < arrived && instances.idle > 0) {
      const instance = instances.take(choices);
      inWork.set(instance, started++);
      const seconds = serviceTime(services, world.service);
      since.work += seconds;
      events.push(now + seconds, 4 * instance + FINISHED);
    }
  };
  const end = (instance: number): void =>
    events.push(now + world.drainSeconds, 4 * instance + GONE);
  const plans: number[] = [];
  (scaler.plan ?? []).forEach(({ readyAt }, index) => {
    plans.push(bootSeconds());
    events.push(Math.max(0, readyAt - plans[index]!), 4 * index + PLANNED);
  });
  const launch = (boot: number): number => {
    const instance = instances.launch(now);
    events.push(now + boot, 4 * instance + READY);
    since.boots.set(instance, boot);
    return instance;
  };
  const drainAt = new Map<number, number>();

  const handle = (what: number): void => {
    const instance = what >> 2;
    const kind = what & 3;
    if (kind === FINISHED) {
      latencies.add(now - arrivals[inWork.get(instance)!]!);
      inWork.delete(instance);
      since.finished += 1;
      finishedAt = now;
      if (!instances.finish(instance, now)) end(instance);
    } else if (kind === READY) {
      // The planned end of a planned instance comes as a second READY.
      const planned = drainAt.get(instance);
      if (instances.ready(instance, now)) {
        since.booted += 1;
        since.bootedSeconds += since.boots.get(instance) ?? 0;
        since.boots.delete(instance);
        if (planned !== undefined) events.push(Math.max(now, planned), 4 * instance + READY);
      } else if (planned !== undefined && instances.stop(instance)) end(instance);
    } else if (kind === GONE) instances.gone(instance, now);
    else drainAt.set(launch(plans[instance]!), scaler.plan![instance]!.drainAt);
    startWork();
  };

  const tick = (): void => {
    const view: View = {
      now,
      visible: arrived - started,
      inFlight: inWork.size,
      oldest: started < arrived ? now - arrivals[started]! : 0,
      serving: instances.serving,
      booting: instances.bootingFor(now),
      arrived: arrived - since.arrived,
      finished: since.finished,
      worked: since.work,
      booted: since.booted,
      bootedSeconds: since.bootedSeconds,
      idleFor: (seconds) => instances.idleFor(seconds, now),
    };
    since = { ...fresh(), arrived, boots: since.boots };
    const order = scaler.tick(view);
    const room = world.maxInstances - instances.alive;
    for (let count = Math.min(order.launch ?? 0, room); count > 0; count--) launch(bootSeconds());
    if (order.drain) {
      for (const instance of instances.drainIdle(order.drain, now)) end(instance);
    }
    if (order.remove) for (const instance of instances.remove(order.remove)) end(instance);
    observe?.({
      at: now,
      alive: instances.alive,
      serving: instances.serving,
      queued: arrived - started + inWork.size,
    });
  };

  let nextTick = 1;
  const done = (): boolean =>
    arrived === arrivals.length && started === arrived && inWork.size === 0;
  while (!(now >= world.horizon && done()) && now < PATIENCE * world.horizon) {
    const arrival = arrived < arrivals.length ? arrivals[arrived]! : Number.POSITIVE_INFINITY;
    const event = events.nextAt;
    now = Math.min(arrival, event, nextTick);
    if (event === now) handle(events.pop());
    else if (arrival === now) {
      arrived += 1;
      startWork();
    } else {
      tick();
      nextTick += 1;
    }
  }
  return {
    latencies,
    instanceSeconds: instances.billedUpTo(Math.max(world.horizon, finishedAt)),
    launches: instances.launches,
    mostAlive: instances.mostAlive,
    unserved: arrivals.length - started + inWork.size,
    finishedAt,
  };
}

/** What a scaler learns once. */
function fresh() {
  return {
    arrived: 0,
    finished: 0,
    work: 0,
    booted: 0,
    bootedSeconds: 0,
    boots: new Map<number, number>(),
  };
}

/** A queue of events by time: a binary heap. Of two at one time, either may come first. */
class Events {
  readonly #times: number[] = [];
  readonly #whats: number[] = [];

  /** Infinity when there is none. */
  get nextAt(): number {
    return this.#times[0] ?? Number.POSITIVE_INFINITY;
  }

  /** @param what any integer; its meaning is the caller's */
  push(at: number, what: number): void {
    let child = this.#times.length;
    this.#times.push(at);
    this.#whats.push(what);
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (this.#times[parent]! <= at) break;
      this.#move(parent, child);
      child = parent;
    }
    this.#times[child] = at;
    this.#whats[child] = what;
  }

  /** Takes out the earliest; there must be one. */
  pop(): number {
    const first = this.#whats[0]!;
    const at = this.#times.pop()!;
    const what = this.#whats.pop()!;
    const size = this.#times.length;
    if (size === 0) return first;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#times[child + 1]! < this.#times[child]!) child += 1;
      if (this.#times[child]! >= at) break;
      this.#move(child, parent);
      parent = child;
    }
    this.#times[parent] = at;
    this.#whats[parent] = what;
    return first;
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from]!;
    this.#whats[to] = this.#whats[from]!;
  }
}
