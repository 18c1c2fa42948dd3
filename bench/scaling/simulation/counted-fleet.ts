/**
 * A fleet as counts, for the cohort simulation: groups of instances by launch, and how long they have
 * idled as a distribution. It knows no queue and no policy.
 */

import type { Random } from './random.ts';
import { billedSeconds, type World } from './world.ts';

interface Group {
  readonly launchedAt: number;
  readonly readyAt: number;
  count: number;
}

/** Instances as counts: groups by launch and ready time while they boot, by launch when they serve. */
export class CountedFleet {
  serving = 0;
  alive = 0;
  mostAlive = 0;
  launches = 0;
  #billed = 0;
  readonly #world: World;
  readonly #random: Random;
  #booting: Group[] = [];
  readonly #up: Group[] = [];
  readonly #idle = new IdleTimes();

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  launch(count: number, now: number): void {
    if (count <= 0) return;
    const { least, most } = this.#world.boot;
    if (count <= 2 * (most - least)) {
      for (let one = 0; one < count; one++)
        this.#add(1, now, least + this.#random() * (most - least));
      return;
    }
    // Many at once come up evenly.
    const slots = Math.max(1, Math.round(most - least));
    for (let slot = 0; slot < slots; slot++) {
      const share = Math.round(((slot + 1) * count) / slots) - Math.round((slot * count) / slots);
      this.#add(share, now, least + ((slot + 0.5) / slots) * (most - least));
    }
  }

  launchPlanned(at: number, boot: number): void {
    this.#add(1, at, boot);
  }

  #add(count: number, now: number, boot: number): void {
    this.#booting.push({ launchedAt: now, readyAt: now + boot, count });
    this.launches += count;
    this.alive += count;
    this.mostAlive = Math.max(this.mostAlive, this.alive);
  }

  bootUpTo(time: number): { booted: number; bootedSeconds: number } {
    let booted = 0;
    let bootedSeconds = 0;
    if (this.#booting.every(({ readyAt }) => readyAt > time)) return { booted, bootedSeconds };
    const still: Group[] = [];
    for (const group of this.#booting) {
      if (group.readyAt > time) still.push(group);
      else {
        booted += group.count;
        bootedSeconds += group.count * (group.readyAt - group.launchedAt);
        const last = this.#up.at(-1);
        if (last?.launchedAt === group.launchedAt) last.count += group.count;
        else this.#up.push({ ...group });
      }
    }
    this.#booting = still;
    this.serving += booted;
    return { booted, bootedSeconds };
  }

  bootingFor(now: number): number[] {
    const ages: number[] = [];
    for (const { launchedAt, count } of this.#booting)
      for (let one = 0; one < count; one++) ages.push(now - launchedAt);
    return ages;
  }

  /**
   * One second of work, given to idle instances at random: an idle one stays so with the probability
   * exp(-begun / idle), by which idle times age.
   * @param begun requests begun; Infinity when there were more than the fleet could take
   * @param busy instances at work at the end of the second
   */
  spread(begun: number, busy: number): void {
    const resting = Math.max(0, this.serving - busy);
    const untouched = begun === 0 ? 1 : resting > 0 ? Math.exp(-begun / resting) : 0;
    this.#idle.pass(resting, untouched);
  }

  /** An expectation, made whole at random. */
  idleFor(seconds: number): number {
    return Math.min(this.serving, Math.floor(this.#idle.longerThan(seconds) + this.#random()));
  }

  drainIdle(count: number, seconds: number, now: number): void {
    const leaving = Math.min(count, this.idleFor(seconds));
    this.stop(leaving, now);
  }

  remove(count: number, now: number): void {
    let left = Math.min(count, this.alive);
    while (left > 0 && this.#booting.length > 0) {
      const group = this.#booting.at(-1)!;
      const some = Math.min(left, group.count);
      group.count -= some;
      if (group.count === 0) this.#booting.pop();
      this.#pay(some, now - group.launchedAt + this.#world.drainSeconds);
      left -= some;
    }
    this.stop(Math.min(left, this.serving), now);
  }

  /** The longest idle leave; which launch they are of is not known: the newest, as with the exact mode. */
  stop(count: number, now: number): void {
    this.#idle.takeOldest(count);
    this.serving -= count;
    for (let unpaid = count; unpaid > 0; ) {
      const group = this.#up.at(-1)!;
      const some = Math.min(unpaid, group.count);
      group.count -= some;
      if (group.count === 0) this.#up.pop();
      this.#pay(some, now - group.launchedAt + this.#world.drainSeconds);
      unpaid -= some;
    }
  }

  #pay(count: number, seconds: number): void {
    this.alive -= count;
    this.#billed += count * billedSeconds(seconds);
  }

  billedUpTo(end: number): number {
    const alive = [...this.#booting, ...this.#up];
    return alive.reduce(
      (sum, { count, launchedAt }) => sum + count * billedSeconds(end - launchedAt),
      this.#billed,
    );
  }
}

/** Idle times are told apart up to this many seconds; longer ones count as this long. */
const LONGEST_IDLE = 128;

/** Renewed before the common factor comes near the smallest number there is. */
const SMALLEST_FACTOR = 1e-100;

/**
 * How long the idle instances of a large fleet have been idle, as expected numbers by whole seconds. One
 * second costs the same whatever the fleet: every entry shrinks by one common factor, which is kept apart.
 */
class IdleTimes {
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

  /** Expected number of instances idle for at least this many seconds. @throws RangeError beyond LONGEST_IDLE */
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
