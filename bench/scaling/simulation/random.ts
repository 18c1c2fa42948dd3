/**
 * Seeded random numbers and the distributions of the simulator. Equal seeds give equal numbers, so that
 * every policy meets the same day. Knows nothing of queues.
 */

/** Uniform in [0, 1). */
export type Random = () => number;

/** The generator "sfc32" (C. Doty-Humphrey, PractRand; public domain), seeded from one integer. */
export function seededRandom(seed: number): Random {
  let a = 0x9e3779b9 ^ seed;
  let b = 0x243f6a88;
  let c = 0xb7e15162;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  // The first numbers still show the seed.
  for (let round = 0; round < 15; round++) next();
  return next;
}

/** Exponential with the given mean. */
export function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random());
}

/** Erlang: the sum of `shape` exponentials; its coefficient of variation is 1 / √shape. */
export function erlang(random: Random, mean: number, shape: number): number {
  let product = 1;
  for (let stage = 0; stage < shape; stage++) product *= 1 - random();
  return (-mean / shape) * Math.log(product);
}

/** Pareto: P(X > x) = (least / x)^alpha; the mean is infinite for alpha <= 1, the variance for alpha <= 2. */
export function pareto(random: Random, least: number, alpha: number): number {
  return least / (1 - random()) ** (1 / alpha);
}

/** Poisson with the given mean; above 50 by the normal approximation, rounded, never negative. */
export function poisson(random: Random, mean: number): number {
  if (mean > 50) {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const normal = radius * Math.cos(2 * Math.PI * random());
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal));
  }
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > limit; product *= random()) count += 1;
  return count;
}

/** How long one request takes on one instance. */
export interface ServiceTime {
  /** Seconds. */
  readonly mean: number;
  readonly shape: 'fixed' | 'erlang-4' | 'exponential';
}

export function serviceTime(random: Random, { mean, shape }: ServiceTime): number {
  if (shape === 'fixed') return mean;
  return shape === 'exponential' ? exponential(random, mean) : erlang(random, mean, 4);
}
