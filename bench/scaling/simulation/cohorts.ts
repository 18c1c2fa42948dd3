/**
 * The simulation for large loads: seconds instead of events, and cohorts instead of requests. All that
 * arrive in one second share a fate, instances are counted, and how long they have idled is kept as a
 * distribution. A day costs about as much whether it brings a thousand requests or a billion.
 *
 * One simplification, small for fleets of tens and more (a test compares with the exact mode): queueing
 * within one second is only seen when the fleet is saturated.
 */
import { CountedFleet } from './counted-fleet.ts';
import { type ServiceTime, seededRandom, serviceTime } from './random.ts';
import {
  Latencies,
  type Moment,
  meanBoot,
  type Order,
  type Outcome,
  type Scaler,
  type World,
} from './world.ts';

/** Number of horizons to wait for the last answer. */
const PATIENCE = 2;

/** @param perSecond requests that arrive in each second */
export function simulateCohorts(
  perSecond: Float64Array,
  scaler: Scaler,
  world: World,
  observe?: (moment: Moment) => void,
): Outcome {
  const random = seededRandom(world.seed + 1);
  const latencies = new Latencies();
  const fleet = new CountedFleet(world, random);
  const mean = world.service.mean;
  const left = Float64Array.from(perSecond); // What of each second's arrivals still waits.
  let oldest = 0; // The second whose cohort is served next.
  let waiting = 0;
  let finishedAt = 0;
  let second = 0;
  const most = PATIENCE * world.horizon;
  const byReady = [...(scaler.plan ?? [])].sort((a, b) => a.readyAt - b.readyAt);
  const byDrain = [...(scaler.plan ?? [])].sort((a, b) => a.drainAt - b.drainAt);
  let launched = 0;
  let drained = 0;

  const services = quantiles(world.service);
  let unwaited = 0;
  /** Service times vary where that shows beside the wait. */
  const answer = (wait: number, count: number): void => {
    if (wait === 0) unwaited += count;
    else if (wait > 10 * mean) latencies.add(wait + mean, count);
    else for (const one of services) latencies.add(wait + one, count / services.length);
  };

  for (; second < most; second++) {
    if (second >= Math.max(world.horizon, perSecond.length) && waiting < 1e-6) break;
    const came = second < perSecond.length ? perSecond[second]! : 0;
    waiting += came;
    const ahead = meanBoot(world);
    for (; launched < byReady.length && byReady[launched]!.readyAt - ahead < second + 1; launched++)
      fleet.launchPlanned(Math.max(second, byReady[launched]!.readyAt - ahead), ahead);
    const { booted, bootedSeconds } = fleet.bootUpTo(second + 1);
    const serving = fleet.serving;
    const capacity = serving / mean;
    const served = Math.min(waiting, capacity);
    for (let gone = 0; served - gone > 1e-9; ) {
      const here = left[oldest]!;
      const now = Math.min(here, served - gone);
      // When its middle begins: while the fleet keeps up, on arrival.
      const begins = second + (gone + now / 2) / capacity;
      const wait = oldest === second && served < capacity ? 0 : begins - (oldest + 0.5);
      answer(Math.max(0, wait), now);
      left[oldest] = here - now;
      gone += now;
      if (now < here || oldest === second) break;
      oldest += 1;
    }
    waiting = Math.max(0, waiting - served);
    if (served > 0) finishedAt = second + 1;
    const full = capacity > 0 && served >= capacity - 1e-9;
    const inFlight = full ? serving : served * mean;
    fleet.spread(full ? Number.POSITIVE_INFINITY : served, inFlight);
    while (oldest <= second && !(left[oldest]! > 1e-9)) oldest += 1;
    const now = second + 1;
    const order: Order = scaler.tick({
      now,
      visible: Math.round(waiting),
      inFlight: Math.round(inFlight),
      oldest: waiting > 0.5 ? now - oldest - 0.5 : 0,
      serving,
      booting: fleet.bootingFor(now),
      arrived: came,
      finished: served,
      worked: served * mean,
      booted,
      bootedSeconds,
      idleFor: (seconds) => fleet.idleFor(seconds),
    });
    if (order.launch) fleet.launch(Math.min(order.launch, world.maxInstances - fleet.alive), now);
    if (order.drain) fleet.drainIdle(order.drain.count, order.drain.idleSeconds, now);
    if (order.remove) fleet.remove(order.remove, now);
    for (; drained < byDrain.length && byDrain[drained]!.drainAt <= now; drained++)
      fleet.stop(1, now);
    observe?.({ at: now, alive: fleet.alive, serving: fleet.serving, queued: waiting + inFlight });
  }
  for (const one of services) latencies.add(one, unwaited / services.length);
  return {
    latencies,
    instanceSeconds: fleet.billedUpTo(Math.max(world.horizon, finishedAt)),
    launches: fleet.launches,
    mostAlive: fleet.mostAlive,
    unserved: waiting < 1e-6 ? 0 : waiting,
    finishedAt,
  };
}

/** Fifty service times that stand for their distribution: its percentiles 1, 3, … 99. */
function quantiles(service: ServiceTime): number[] {
  const random = seededRandom(1);
  const drawn = Float64Array.from({ length: 20_000 }, () => serviceTime(random, service)).sort();
  return Array.from({ length: 50 }, (_, part) => drawn[400 * part + 200]!);
}
