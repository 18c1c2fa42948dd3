/**
 * Odds of a distance: 1 in N strangers would be as near as this to anybody in the gallery. Pure.
 *
 * With F(d) the share of pairs of different people within d, and each of the gallery's n people another
 * try for a stranger, the share of strangers whose nearest person is within d is 1 − (1 − F(d))^n, the
 * distribution of the least of n draws. N is one over it, so that it falls with the number of people. The
 * formula takes draws as independent; they are not quite, which makes strangers a little rarer than said.
 */
import type { EncoderKind } from '../format.ts';
import { type Calibration, type GallerySample, shareWithin } from './calibration.ts';

/**
 * Where a model or its gallery has too few people of its own. Measured with each encoder on 75 portraits of
 * as many people of about 128 px (the demo faces of the npm packages tabler-ui and admin-lte, MIT): the
 * geometric mean of the shares among themselves, 2,775 pairs, where similar people are frequent, and
 * against 120 photos of 20 other people, the test photos of deepface and dlib, 9,000 pairs.
 * `people` is its weight beside a gallery's own people, and was chosen by a test on held-out people:
 * docs/reports/odds.md.
 */
export const DEFAULT_CALIBRATIONS: Readonly<Record<EncoderKind, Calibration>> = {
  facenet: {
    people: 30,
    distances: [1.053, 1.095, 1.159, 1.232, 1.281, 1.353, 1.415, 1.499, 1.692],
    power: 11.66,
  },
  compact: {
    people: 30,
    distances: [0.666, 0.687, 0.721, 0.764, 0.795, 0.844, 0.895, 0.964, 1.13],
    power: 16.54,
  },
};

/** Beyond this nothing that was measured says anything: 1 in a billion or more. */
export const MOST_ODDS = 1e9;

/** Distances are found to less than float32 tells them apart. */
const HALVINGS = 50;
/** Figures of odds that are told: more would claim a precision that nothing here has. */
const TOLD_DIGITS = 3;

export class Odds {
  readonly #calibrations: readonly Calibration[];
  readonly #tries: number;

  /**
   * @param calibrations at least one; each counts by its number of people
   * @param tries how many people of one face a person of this gallery counts as
   */
  constructor(calibrations: readonly Calibration[], tries = 1) {
    this.#calibrations = calibrations;
    this.#tries = tries;
  }

  /** Of a gallery's own people, and beside them the default of the encoder. */
  static from(encoder: EncoderKind, { calibration, tries }: GallerySample): Odds {
    const own = calibration === undefined ? [] : [calibration];
    return new Odds([DEFAULT_CALIBRATIONS[encoder], ...own], tries);
  }

  /** N of "1 in N strangers would be as near as this to some person in a gallery of this many people". */
  of(distance: number, people: number): number {
    return Math.min(this.#exactly(distance, people * this.#tries), MOST_ODDS);
  }

  /** N of "1 in N pairs of photos of two different people would be as near as this". */
  ofPair(distance: number): number {
    return Math.min(this.#exactly(distance, 1), MOST_ODDS);
  }

  /** The greatest distance with at least these odds in a gallery of this many people. */
  distanceAt(odds: number, people: number): number {
    return this.#distanceAt(odds, people * this.#tries);
  }

  /** The greatest distance of two photos with at least these odds. */
  pairDistanceAt(odds: number): number {
    return this.#distanceAt(odds, 1);
  }

  #exactly(distance: number, tries: number): number {
    // As 1 − (1 − F)^n, but exact where F is far below float64's step at 1.
    return 1 / -Math.expm1(tries * Math.log1p(-this.#share(distance)));
  }

  /** Geometric mean of the calibrations' shares, by their numbers of people. */
  #share(distance: number): number {
    let [sum, weight] = [0, 0];
    for (const calibration of this.#calibrations) {
      sum += calibration.people * Math.log(shareWithin(calibration, distance));
      weight += calibration.people;
    }
    return Math.exp(sum / weight);
  }

  #distanceAt(odds: number, tries: number): number {
    if (odds <= 1) return Number.POSITIVE_INFINITY;
    let low = 0;
    let high = Math.max(...this.#calibrations.map(({ distances }) => distances.at(-1)!));
    for (let halving = 0; halving < HALVINGS; halving++) {
      const middle = (low + high) / 2;
      if (this.#exactly(middle, tries) >= odds) low = middle;
      else high = middle;
    }
    return low;
  }
}

/** Rounded down to three figures, so that the answer never promises more than was measured. */
export function toldOdds(odds: number): number {
  const step = 10 ** (Math.floor(Math.log10(odds)) - TOLD_DIGITS + 1);
  // The quotient of a told number may lie just below the whole one that it is.
  const told = Math.floor(odds / step + 1e-9) * step;
  return Math.max(1, Number(told.toPrecision(TOLD_DIGITS)));
}
