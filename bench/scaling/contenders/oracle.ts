/**
 * Plans made with knowledge of every arrival and every boot time. Each plan is good, none is proven to be the
 * cheapest, so that the oracle of the report is the cheapest of these plans and of all else that was tried;
 * `bound` is what no plan whatever can get below.
 *
 * A plan lets requests wait up to `slack` seconds and needs the least even fleet for it: the shortest path
 * between the curve of work that has arrived and the same curve `slack` later (the "taut string", which
 * has the least peak and the fewest ups and downs of all paths between). Its slope is the number of
 * instances; each is launched its own boot time ahead, and is kept over a gap that costs less than a boot.
 */
import { seededRandom, serviceTime } from '../simulation/random.ts';
import type { Load, Planned, Scaler, World } from '../simulation/world.ts';
import { meanBoot } from '../simulation/world.ts';

export interface OracleSettings {
  /** Seconds that requests may wait. */
  readonly slack: number;
  /** Instances for each that the work needs on average: above 1 where requests come at random. */
  readonly headroom: number;
  /** `even`: the taut string. `batches`: one instance that comes once work has waited for the slack. */
  readonly shape: 'even' | 'batches';
}

export function oracle(load: Load, world: World, settings: OracleSettings): Scaler {
  const work = workPerSecond(load, world);
  const fleet =
    settings.shape === 'even'
      ? evenFleet(work, settings.slack).map((need) => Math.ceil(need * settings.headroom - 1e-6))
      : batches(work, settings.slack);
  const plan = planned(fleet, world);
  const end = plan.reduce((last, { drainAt }) => Math.max(last, drainAt), 0);
  return {
    plan,
    // Whole seconds may leave a rest that the plan has no second for.
    tick: ({ now, visible, serving, booting }) => {
      if (now <= end) return {};
      if (visible === 0) return { drain: { count: serving, idleSeconds: 0 } };
      return { launch: serving + booting.length === 0 ? 1 : 0 };
    },
  };
}

/** Seconds of work that arrive in each second. */
function workPerSecond(load: Load, { service, horizon, seed }: World): Float64Array {
  const work = new Float64Array(horizon);
  if (load.kind === 'counts') return work.map((_, at) => (load.perSecond[at] ?? 0) * service.mean);
  // The same draws, in the same order, as in the simulation.
  const random = seededRandom(seed);
  for (const at of load.arrivals) work[Math.floor(at)]! += serviceTime(random, service);
  return work;
}

/** The slopes of the shortest path within the tube. @returns instances in each second, fractions allowed */
export function evenFleet(work: Float64Array, slack: number): Float64Array {
  const steps = work.length;
  const late = Math.max(1, Math.round(slack));
  const most = new Float64Array(steps + 1);
  for (let at = 0; at < steps; at++) most[at + 1] = most[at]! + work[at]!;
  // All is served in the end, also what came last.
  const least = (at: number): number =>
    at === steps ? most[steps]! : most[Math.max(0, at - late)]!;
  const slopes = new Float64Array(steps);
  // From each corner of the string, the lines that stay in the tube narrow until they cross.
  let [from, height] = [0, 0];
  while (from < steps) {
    let [low, lowAt, high, highAt] = [
      Number.NEGATIVE_INFINITY,
      from,
      Number.POSITIVE_INFINITY,
      from,
    ];
    let to = steps;
    for (let at = from + 1; at <= steps; at++) {
      const floor = (least(at) - height) / (at - from);
      const roof = (most[at]! - height) / (at - from);
      if (floor > high) {
        to = highAt;
        break;
      }
      if (roof < low) {
        to = lowAt;
        break;
      }
      if (floor >= low) [low, lowAt] = [floor, at];
      if (roof <= high) [high, highAt] = [roof, at];
      if (at === steps) low = high = floor;
    }
    const slope = to === highAt && to !== steps ? high : low;
    slopes.fill(Math.max(0, slope), from, to);
    height += slope * (to - from);
    from = to;
  }
  return slopes;
}

/** Lets work gather for the slack, then does it all with one instance, again and again. */
function batches(work: Float64Array, slack: number): Float64Array {
  const fleet = new Float64Array(work.length);
  let waiting = 0;
  let since = -1;
  let on = false;
  for (let at = 0; at < work.length; at++) {
    waiting += work[at]!;
    if (waiting > 0 && since < 0) since = at;
    if (waiting > 0 && at - since >= slack) on = true;
    if (!on) continue;
    fleet[at] = 1;
    waiting -= 1;
    // One second more than needed, for what comes within the last one.
    if (waiting <= -1) {
      waiting = 0;
      on = false;
      since = -1;
    }
  }
  return fleet;
}

/** One plan for each level of the fleet and each stretch in which it is needed. */
function planned(fleet: ArrayLike<number>, world: World): Planned[] {
  const plan: Planned[] = [];
  const boot = meanBoot(world);
  const peak = Math.min(
    world.maxInstances,
    Array.from(fleet).reduce((a, b) => Math.max(a, b), 0),
  );
  const upSince = new Float64Array(peak + 1).fill(-1);
  const lastUp = new Float64Array(peak + 1).fill(-1);
  const close = (level: number): void => {
    plan.push({ readyAt: upSince[level]!, drainAt: lastUp[level]! + 1 });
    upSince[level] = -1;
  };
  let before = 0;
  for (let at = 0; at < fleet.length; at++) {
    const now = Math.min(peak, fleet[at]!);
    for (let level = now + 1; level <= before; level++) lastUp[level] = at - 1;
    for (let level = before + 1; level <= now; level++) {
      if (upSince[level]! >= 0 && at - lastUp[level]! > boot) close(level);
      if (upSince[level]! < 0) upSince[level] = at;
    }
    before = now;
  }
  for (let level = 1; level <= peak; level++) {
    if (level <= before) lastUp[level] = fleet.length - 1;
    if (upSince[level]! >= 0) close(level);
  }
  return plan;
}

/**
 * Instance-seconds that no plan can get below, for a p95 in seconds: all the work, and a boot (the shortest
 * there is) for each instance of the peak. The peak is at least the work that arrives in any stretch, less
 * the 5 % of all requests that may be late, over the stretch and the p95 together.
 */
export function bound(load: Load, world: World, p95: number): number {
  const work = workPerSecond(load, world);
  const total = work.reduce((sum, one) => sum + one, 0);
  let peak = total > 0 ? 1 : 0;
  for (let length = 1; length <= work.length; length *= 2) {
    let inside = 0;
    for (let at = 0; at < work.length; at++) {
      inside += work[at]! - (at >= length ? work[at - length]! : 0);
      peak = Math.max(peak, Math.ceil((inside - 0.05 * total) / (length + p95)));
    }
  }
  return Math.max(60 * peak, total + peak * world.boot.least);
}

/**
 * The same without knowledge of when a single burst comes, and with all other knowledge: a plan that answers
 * sooner than the shortest boot keeps an instance all the time; any other boots one when the burst has come.
 * Undefined for loads that are no single burst: there the past tells something of the future.
 */
export function boundUnforeseen(load: Load, world: World, p95: number): number | undefined {
  if (load.kind !== 'requests' || load.arrivals[0] !== load.arrivals.at(-1)) return undefined;
  const { least } = world.boot;
  if (p95 < least) return Math.max(world.horizon, bound(load, world, p95));
  return bound(load, world, p95 - least);
}
