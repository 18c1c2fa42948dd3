/** The odds of one gallery, measured again when its people have changed enough to matter. */
import type { EncoderKind } from '../format.ts';
import type { GalleryMatcher } from '../match/gallery-matcher.ts';
import type { GallerySample } from './calibration.ts';
import { Odds } from './odds.ts';
import { sampleGallery } from './sample.ts';

/** So few people are measured in milliseconds, and each of them matters. */
const FEW_PEOPLE = 64;
/** Share of people by which a larger gallery must have grown or shrunk to be measured again. */
const CHANGED = 0.05;

export class GalleryOdds {
  readonly #encoder: EncoderKind;
  /** The people that `#odds` was measured on. */
  readonly #measured: number;
  readonly #odds: Odds;
  /** Who can be found now. */
  readonly #people: number;

  private constructor(encoder: EncoderKind, measured: number, odds: Odds, people: number) {
    this.#encoder = encoder;
    this.#measured = measured;
    this.#odds = odds;
    this.#people = people;
  }

  /** @param sample of this gallery, where the conversion has measured it */
  static of(encoder: EncoderKind, gallery: GalleryMatcher, sample?: GallerySample): GalleryOdds {
    const odds = Odds.from(encoder, sample ?? sampleGallery(gallery));
    return new GalleryOdds(encoder, gallery.people, odds, gallery.people);
  }

  /** Those of a later version of the gallery. */
  after(gallery: GalleryMatcher): GalleryOdds {
    const changed = Math.abs(gallery.people - this.#measured) / Math.max(this.#measured, 1);
    if (gallery.people <= FEW_PEOPLE || changed >= CHANGED) {
      return GalleryOdds.of(this.#encoder, gallery);
    }
    return new GalleryOdds(this.#encoder, this.#measured, this.#odds, gallery.people);
  }

  /** N of "1 in N strangers would be as near as this to anybody in the gallery". */
  of(distance: number): number {
    return this.#odds.of(distance, this.#people);
  }

  /** N of "1 in N pairs of photos of two different people would be as near as this". */
  ofPair(distance: number): number {
    return this.#odds.ofPair(distance);
  }

  /** N of "1 in N strangers would be as near as this to one certain person of the gallery". */
  ofPerson(distance: number): number {
    return this.#odds.of(distance, 1);
  }

  /**
   * The greatest distance to the nearest person with at least these odds.
   * @param people of a gallery of another size; default: those of this one
   */
  distanceAt(odds: number, people: number = this.#people): number {
    return this.#odds.distanceAt(odds, people);
  }

  /** The greatest distance to one certain person with at least these odds. */
  personDistanceAt(odds: number): number {
    return this.#odds.distanceAt(odds, 1);
  }

  /** The greatest distance of two photos with at least these odds. */
  pairDistanceAt(odds: number): number {
    return this.#odds.pairDistanceAt(odds);
  }
}
