/**
 * What the instances run on: boots them, asks them to end, tells when they are gone. Knows nothing of
 * the API, nor how a process is started.
 */
import { messageOf } from '../../../runtime/errors.ts';
import type { Instance } from './instance.ts';

/** What one instance runs on. */
export interface Machine {
  /** Resolves, never rejects, when nothing of it runs any more; the text says how it ended. */
  readonly gone: Promise<string>;
  /** Asks it to end, and insists after a while. */
  stop(): void;
}

/** Starts what an instance runs on; rejects when it cannot be started. */
export type LaunchMachine = (instance: Instance) => Promise<Machine>;

export interface MachinesOptions {
  readonly launch: LaunchMachine;
  readonly onSpawned: (instance: Instance) => void;
  /** Nothing runs any more; `code` is EC2's code for an unrequested end. */
  readonly onGone: (instance: Instance, how: string, code: string) => void;
}

/** How often an instance that waits looks whether it still should. */
const STEP_MS = 50;

export class Machines {
  readonly #options: MachinesOptions;
  readonly #running = new Map<string, Machine>();
  /** How long those asked to stop are still stopping when nothing of them runs, in ms. */
  readonly #lingering = new Map<string, number>();
  /** Launches under way; they end in `#running` or not at all. */
  readonly #launching = new Set<Promise<void>>();
  #closed = false;

  constructor(options: MachinesOptions) {
    this.#options = options;
  }

  /**
   * Starts a pending instance in the background.
   * @param delayMs how long it stays pending before its machine starts
   */
  boot(instance: Instance, delayMs: number): void {
    const launching = this.#boot(instance, delayMs).finally(() =>
      this.#launching.delete(launching),
    );
    this.#launching.add(launching);
  }

  /**
   * Asks an instance's machine to end, if it has one yet: one that is booting sees for itself.
   * @param lingerMs how long one that is stopping goes on to be so when nothing of it runs any more
   */
  stop(instance: Instance, lingerMs = 0): void {
    this.#lingering.set(instance.id, lingerMs);
    this.#running.get(instance.id)?.stop();
  }

  /** Ends all and waits until they are gone. None starts after. */
  async close(): Promise<void> {
    this.#closed = true;
    const stopAll = (): Machine[] => {
      const machines = [...this.#running.values()];
      for (const machine of machines) machine.stop();
      return machines;
    };
    stopAll();
    await Promise.all(this.#launching);
    await Promise.all(stopAll().map(({ gone }) => gone));
  }

  async #boot(instance: Instance, delayMs: number): Promise<void> {
    await waitWhile(() => this.#isWanted(instance), delayMs);
    if (!this.#isWanted(instance)) {
      this.#options.onGone(instance, 'Ended before it started', 'Server.InternalError');
      return;
    }
    let machine: Machine;
    try {
      machine = await this.#options.launch(instance);
    } catch (error) {
      const how = `Internal error on launch: ${messageOf(error)}`;
      this.#options.onGone(instance, how, 'Server.InternalError');
      return;
    }
    this.#running.set(instance.id, machine);
    void machine.gone.then(async (how) => {
      this.#running.delete(instance.id);
      const lingerMs = this.#lingering.get(instance.id) ?? 0;
      this.#lingering.delete(instance.id);
      await waitWhile(() => instance.state === 'stopping' && !this.#closed, lingerMs);
      this.#options.onGone(instance, how, 'Client.InstanceInitiatedShutdown');
    });
    // It may have been ended while it was starting.
    if (this.#isWanted(instance)) this.#options.onSpawned(instance);
    else machine.stop();
  }

  #isWanted(instance: Instance): boolean {
    return instance.state === 'pending' && !this.#closed;
  }
}

/** Waits for this time, or until the condition no longer holds; not at all for 0 ms. */
async function waitWhile(holds: () => boolean, ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (holds()) {
    const left = end - performance.now();
    if (left <= 0) return;
    await new Promise((resolve) => setTimeout(resolve, Math.min(left, STEP_MS)));
  }
}
