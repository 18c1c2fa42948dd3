/**
 * What EC2's lists show: every instance and state as it was a while ago, since the real lists lag.
 * Knows no API; the time comes in as an argument.
 */
import type { Instance } from './instance.ts';

type Changing = Pick<
  Instance,
  'state' | 'stateReason' | 'transitionReason' | 'launchTime' | 'endedAt'
>;

interface Sight extends Changing {
  /** ms since 1970. */
  readonly at: number;
}

export class LaggingList {
  readonly #lagMs: number;
  readonly #sights = new WeakMap<Instance, Sight[]>();

  /** @param lagMs with 0, the lists are never behind */
  constructor(lagMs: number) {
    this.#lagMs = lagMs;
  }

  /** To be called after each change of an instance's state, and when it is new. */
  record(instance: Instance, now: Date): void {
    if (this.#lagMs === 0) return;
    const { state, stateReason, transitionReason, launchTime, endedAt } = instance;
    const sight = { at: now.getTime(), state, stateReason, transitionReason, launchTime, endedAt };
    this.#sights.set(instance, [...this.#recent(instance, now), sight]);
  }

  /** The instances as lists show them now; the newest are not there yet. */
  show(instances: readonly Instance[], now: Date): Instance[] {
    if (this.#lagMs === 0) return [...instances];
    return instances.flatMap((instance) => {
      const [shown] = this.#recent(instance, now);
      if (shown === undefined || !this.#isShown(shown, now)) return [];
      const { at, ...seen } = shown;
      return [{ ...instance, ...seen }];
    });
  }

  /** The one that is shown now, if any yet, and those that come after it. */
  #recent(instance: Instance, now: Date): Sight[] {
    const sights = this.#sights.get(instance) ?? [];
    const shown = sights.findLastIndex((sight) => this.#isShown(sight, now));
    return sights.slice(Math.max(0, shown));
  }

  #isShown({ at }: Sight, now: Date): boolean {
    return at + this.#lagMs <= now.getTime();
  }
}
