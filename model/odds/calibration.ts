/**
 * How often the embeddings of two different people are within a distance: measured distances made into a
 * few numbers, and the share that they give for any distance. Pure.
 *
 * The lower tail is a power law, F(d) = s·(d/u)^k for d < u: near a point, the share of a cloud of points
 * within d grows as d^k, k being its intrinsic dimension. k is estimated by maximum likelihood from the n
 * distances below u, k = n / Σ ln(u/d): B. Hill, A simple general approach to inference about the tail of
 * a distribution (1975); E. Levina and P. Bickel, Maximum likelihood estimation of intrinsic dimension
 * (2004). One parameter, so that a few hundred distances suffice and a person entered under two names does
 * not move it. Normal, Beta, log-normal and generalized Pareto tails were further off on held-out people:
 * docs/reports/odds.md.
 */
import { z } from 'zod';

/** Shares of pairs that a calibration has distances for; the tail begins at the first. */
export const SHARES = [0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1] as const;
const TAIL = SHARES[0];

/** Fewer distances than this leave nothing to fit a tail to. */
const LEAST_DISTANCES = 100;
/** As a share of u; what is nearer is one person under two names, and must not bend the tail. */
const NEAREST = 1 / 3;
/** More than any tail of embeddings has: every pair of a gallery is equally far apart. */
const MOST_POWER = 200;

export const calibrationSchema = z.object({
  /** Number of people measured. */
  people: z.int().positive(),
  /** The share `SHARES[i]` of the pairs is within `distances[i]`. */
  distances: z.array(z.number().positive()).length(SHARES.length),
  /** k of the tail. */
  power: z.number().positive().max(MOST_POWER),
});
export type Calibration = Readonly<z.output<typeof calibrationSchema>>;

/** What a gallery says of the distances between its people. */
export const gallerySampleSchema = z.object({
  /** Absent where the gallery has too few people. */
  calibration: calibrationSchema.optional(),
  /** How many people of one face a person counts as: several faces of one person are several tries. */
  tries: z.number().min(1),
});
export type GallerySample = Readonly<z.output<typeof gallerySampleSchema>>;

/**
 * @param distances between faces of different people; they are sorted in place
 * @param people number of people that they are of
 * @returns undefined when they are too few, or do not differ from 0
 */
export function calibrate(distances: Float64Array, people: number): Calibration | undefined {
  if (distances.length < LEAST_DISTANCES) return undefined;
  distances.sort();
  const at = (share: number): number =>
    distances[Math.min(distances.length - 1, Math.floor(share * distances.length))]!;
  const u = at(TAIL);
  if (!(u > 0)) return undefined;
  const below = distances.subarray(0, Math.floor(TAIL * distances.length));
  const sum = below.reduce((total, d) => total + Math.log(u / Math.max(d, u * NEAREST)), 0);
  const power = Math.min(below.length / Math.max(sum, 1e-9), MOST_POWER);
  return { people, distances: SHARES.map(at), power };
}

/** Share of pairs of different people that are within a distance, 0 to 1. */
export function shareWithin({ distances, power }: Calibration, distance: number): number {
  const u = distances[0]!;
  if (distance < u) return TAIL * (Math.max(distance, 0) / u) ** power;
  for (let next = 1; next < SHARES.length; next++) {
    const [low, high] = [distances[next - 1]!, distances[next]!];
    if (distance >= high) continue;
    const part = Math.log(distance / low) / Math.log(high / low);
    return SHARES[next - 1]! * (SHARES[next]! / SHARES[next - 1]!) ** part;
  }
  return 1;
}
