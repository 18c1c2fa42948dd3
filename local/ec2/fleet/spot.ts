/**
 * Takes spot instances back: recommends to rebalance, gives notice, and says when it is over. Knows
 * nothing of the API; when what happens comes in as an argument.
 */
import type { SpotFate } from './imitation.ts';
import type { Instance } from './instance.ts';

export interface SpotMarketOptions {
  /** Drawn once for each spot instance that begins to run. */
  readonly fate: () => SpotFate | undefined;
  readonly now: () => Date;
  /** Called when the instance's metadata announces its end. */
  readonly onNotice: (instance: Instance) => void;
  readonly onInterruption: (instance: Instance) => void;
}

export class SpotMarket {
  readonly #options: SpotMarketOptions;
  readonly #timers = new Map<Instance, NodeJS.Timeout[]>();

  constructor(options: SpotMarketOptions) {
    this.#options = options;
  }

  /** To be called when an instance begins to run. */
  enter(instance: Instance): void {
    if (instance.spot === undefined) return;
    // An instance that was stopped has a new life.
    instance.rebalanceAt = undefined;
    instance.interruptionAt = undefined;
    const { fate: drawFate, now, onNotice, onInterruption } = this.#options;
    const fate = drawFate();
    if (fate === undefined) return;
    this.#timers.set(instance, [
      setTimeout(() => {
        instance.rebalanceAt = now();
      }, fate.rebalanceMs),
      setTimeout(() => {
        instance.interruptionAt = new Date(now().getTime() + fate.interruptionMs - fate.noticeMs);
        onNotice(instance);
      }, fate.noticeMs),
      setTimeout(() => onInterruption(instance), fate.interruptionMs),
    ]);
  }

  /** To be called when an instance runs no more, for whatever reason. */
  leave(instance: Instance): void {
    for (const timer of this.#timers.get(instance) ?? []) clearTimeout(timer);
    this.#timers.delete(instance);
  }
}
