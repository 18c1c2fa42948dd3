/**
 * How long the idle instances of a large fleet have been idle, as expected numbers by whole seconds. One
 * second costs the same whatever the fleet: every entry shrinks by one common factor, which is kept apart.
 */

/** Idle times are told apart up to this many seconds; longer ones count as this long. */
export const LONGEST_IDLE = 128;

/** Renewed before the common factor comes near the smallest number there is. */
const SMALLEST_FACTOR = 1e-100;

export class IdleTimes {
  /** A ring; an entry times the factor is the number idle since that second. */
  readonly #entries = new Float64Array(LONGEST_IDLE + 1);
  #newest = 0;
  #factor = 1;
  #sum = 0;

  /**
   * One second passes.
   * @param resting instances idle at its end
   * @param untouched the probability that an idle one got no work in it
   */
  pass(resting: number, untouched: number): void {
    this.#factor *= untouched;
    if (this.#factor < SMALLEST_FACTOR) this.#renew();
    const oldest = this.#at(LONGEST_IDLE);
    const second = this.#at(LONGEST_IDLE - 1);
    this.#entries[second]! += this.#entries[oldest]!;
    this.#newest = oldest;
    const kept = this.#sum * this.#factor;
    const fresh = Math.max(0, resting - kept);
    this.#entries[this.#newest] = fresh / this.#factor;
    this.#sum += fresh / this.#factor;
    if (kept > resting) this.takeNewest(kept - resting);
  }

  /** Expected number idle for at least so many seconds. @throws RangeError beyond LONGEST_IDLE */
  longerThan(seconds: number): number {
    if (seconds > LONGEST_IDLE) throw new RangeError(`Idle times end at ${LONGEST_IDLE} s.`);
    if (seconds <= 0) return this.#sum * this.#factor;
    let count = 0;
    for (let age = Math.ceil(seconds); age <= LONGEST_IDLE; age++)
      count += this.#entries[this.#at(age)]!;
    return count * this.#factor;
  }

  /** Takes out those that have been idle longest. */
  takeOldest(count: number): void {
    this.#take(count, LONGEST_IDLE, -1);
  }

  takeNewest(count: number): void {
    this.#take(count, 0, 1);
  }

  #take(count: number, from: number, step: number): void {
    let left = count / this.#factor;
    for (let age = from; age >= 0 && age <= LONGEST_IDLE && left > 0; age += step) {
      const place = this.#at(age);
      const some = Math.min(left, this.#entries[place]!);
      this.#entries[place]! -= some;
      left -= some;
    }
    this.#sum = this.#entries.reduce((sum, one) => sum + one, 0);
  }

  #at(age: number): number {
    const place = this.#newest - age;
    return place < 0 ? place + LONGEST_IDLE + 1 : place;
  }

  #renew(): void {
    if (this.#factor === 0) {
      this.#entries.fill(0);
      this.#sum = 0;
      this.#factor = 1;
      return;
    }
    for (let place = 0; place <= LONGEST_IDLE; place++) this.#entries[place]! *= this.#factor;
    this.#sum = this.#entries.reduce((sum, one) => sum + one, 0);
    this.#factor = 1;
  }
}
