/** The loads that policies are compared on. Each begins after a lead, so that an oracle can boot ahead. */
import { SettingsError } from '../../runtime/errors.ts';
import { exponential, pareto, poisson, type Random, seededRandom } from './simulation/random.ts';
import { defaultWorld, type Load, type World } from './simulation/world.ts';

export interface Workload {
  readonly name: string;
  /** One sentence. */
  readonly what: string;
  readonly world: Omit<World, 'seed'>;
  /** How many different draws are pooled; short loads depend on the luck of a few boots. */
  readonly draws: number;
  load(seed: number): Load;
}

/** No request comes earlier, in seconds. */
export const LEAD = 120;

const HOUR = 3600;
const DAY = 24 * HOUR;

/** The course's largest fleet. */
const COURSE_FLEET = 20;

/** Shapes on which no contender was tuned. */
const heldOut: readonly Workload[] = [
  {
    name: 'ramp',
    what: 'from none to 60 requests a second within forty minutes, and none from then on (held out)',
    world: { ...defaultWorld, maxInstances: COURSE_FLEET, horizon: HOUR },
    draws: 3,
    load: (seed) =>
      requests(poissonArrivals(seededRandom(seed), (at) => (at < 2400 ? at / 40 : 0), 60, HOUR)),
  },
  {
    name: 'slow-work',
    what: '2 requests a second of 2 s each, 8 for ten minutes, instances boot in 80 to 120 s (held out)',
    world: {
      ...defaultWorld,
      service: { mean: 2, shape: 'exponential' },
      boot: { least: 80, most: 120 },
      maxInstances: COURSE_FLEET,
      horizon: HOUR,
    },
    draws: 3,
    load: (seed) =>
      requests(
        poissonArrivals(seededRandom(seed), (at) => (at >= 1500 && at < 2100 ? 8 : 2), 8, HOUR),
      ),
  },
  {
    name: 'random-crowds',
    what: '1 request a second, and crowds of 30 that come and go at random, for two hours (held out)',
    world: { ...defaultWorld, maxInstances: COURSE_FLEET, horizon: 2 * HOUR },
    draws: 3,
    load: (seed) => requests(randomCrowds(seededRandom(seed), 2 * HOUR)),
  },
];

export const workloads: readonly Workload[] = [
  ...[10, 100, 1000].map((count) => ({
    name: `burst-${count}`,
    what: `${count} requests at once in an otherwise quiet half hour`,
    world: { ...defaultWorld, maxInstances: COURSE_FLEET, horizon: HOUR / 2 },
    draws: 10,
    load: (seed: number) => requests(burst(seededRandom(seed), count)),
  })),
  ...[0.1, 2, 20].map((rate) => ({
    name: `poisson-${rate}`,
    what: `${rate} requests a second at random for an hour`,
    world: { ...defaultWorld, maxInstances: COURSE_FLEET, horizon: HOUR },
    draws: 3,
    load: (seed: number) => requests(poissonArrivals(seededRandom(seed), () => rate, rate, HOUR)),
  })),
  {
    name: 'flash-crowd',
    what: '2 requests a second, and 40 for five minutes within one hour',
    world: { ...defaultWorld, maxInstances: COURSE_FLEET, horizon: HOUR },
    draws: 3,
    load: (seed) => requests(flashCrowd(seededRandom(seed))),
  },
  {
    name: 'on-off',
    what: '20 requests a second for three minutes of every fifteen, over two hours',
    world: { ...defaultWorld, maxInstances: COURSE_FLEET, horizon: 2 * HOUR },
    draws: 2,
    load: (seed) =>
      requests(
        poissonArrivals(
          seededRandom(seed),
          (at) => ((at - LEAD) % (15 * 60) < 180 ? 20 : 0),
          20,
          2 * HOUR,
        ),
      ),
  },
  {
    name: 'heavy-tailed',
    what: 'batches of Pareto size (exponent 1.3) after Pareto pauses (exponent 1.5), over two hours',
    world: { ...defaultWorld, maxInstances: COURSE_FLEET, horizon: 2 * HOUR },
    draws: 3,
    load: (seed) => requests(heavyTailed(seededRandom(seed), 2 * HOUR)),
  },
  ...heldOut,
  {
    name: 'day',
    what: "a day's curve from 2 to 100 requests a second",
    world: { ...defaultWorld, maxInstances: 50, horizon: DAY },
    draws: 1,
    load: (seed) => counts(seededRandom(seed), dayCurve(2, 100), DAY),
  },
  {
    name: 'huge-day',
    what: "a day's curve up to 1,000,000 requests a minute, half a second of work each",
    world: {
      ...defaultWorld,
      service: { mean: 0.5, shape: 'erlang-4' },
      maxInstances: 10_000,
      horizon: DAY,
    },
    draws: 1,
    load: (seed) => counts(seededRandom(seed), dayCurve(1000, 1e6 / 60), DAY),
  },
];

function requests(arrivals: Float64Array): Load {
  return { kind: 'requests', arrivals };
}

/** At any phase of a minute: no contender's clock is aligned with it. */
function burst(random: Random, count: number): Float64Array {
  return new Float64Array(count).fill(LEAD + 60 * random());
}

/** Thinning (Lewis and Shedler, 1979). @param rate a second; never above `most` */
function poissonArrivals(
  random: Random,
  rate: (at: number) => number,
  most: number,
  end: number,
): Float64Array {
  const arrivals: number[] = [];
  for (let at = LEAD; ; ) {
    at += exponential(random, 1 / most);
    if (at >= end) return Float64Array.from(arrivals);
    if (random() * most < rate(at)) arrivals.push(at);
  }
}

function flashCrowd(random: Random): Float64Array {
  const begins = 1200 + 600 * random();
  const crowd = (at: number): boolean => at >= begins && at < begins + 300;
  return poissonArrivals(random, (at) => (crowd(at) ? 40 : 2), 40, HOUR);
}

/** Calm and crowd take turns, each as long as chance has it: five minutes and two on average. */
function randomCrowds(random: Random, end: number): Float64Array {
  const turns: number[] = [LEAD];
  for (let crowd = false; turns.at(-1)! < end; crowd = !crowd)
    turns.push(turns.at(-1)! + exponential(random, crowd ? 120 : 300));
  const rate = (at: number): number => (turns.findLastIndex((turn) => turn <= at) % 2 ? 30 : 1);
  return poissonArrivals(random, rate, 30, end);
}

function heavyTailed(random: Random, end: number): Float64Array {
  const arrivals: number[] = [];
  for (let at = LEAD + pareto(random, 20, 1.5); at < end; at += pareto(random, 20, 1.5)) {
    // The tail is cut, or one batch in a lucky draw would be the whole load.
    const size = Math.min(5000, Math.round(pareto(random, 5, 1.3)));
    for (let one = 0; one < size; one++) arrivals.push(at);
  }
  return Float64Array.from(arrivals);
}

/** Least at four in the morning, most at four in the afternoon. @returns requests a second */
function dayCurve(least: number, most: number): (at: number) => number {
  return (at) =>
    least + ((most - least) * (1 - Math.cos((2 * Math.PI * (at - 4 * HOUR)) / DAY))) / 2;
}

function counts(random: Random, rate: (at: number) => number, end: number): Load {
  const perSecond = Float64Array.from({ length: end }, (_, second) =>
    second < LEAD ? 0 : poisson(random, rate(second)),
  );
  return { kind: 'counts', perSecond };
}

/** @throws SettingsError for an unknown name */
export function findWorkload(name: string): Workload {
  const found = workloads.find((one) => one.name === name);
  if (found) return found;
  throw new SettingsError(
    `There is no workload "${name}"; there are ${workloads.map((one) => one.name).join(', ')}.`,
  );
}
