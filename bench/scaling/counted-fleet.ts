/**
 * A fleet as counts, for the cohort simulation: groups of instances by launch, and how long they have
 * idled as a distribution. It knows no queue and no policy.
 */
import { billedSeconds } from './bill.ts';
import { IdleTimes } from './idle-times.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

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
