/**
 * The instances of an exact simulation: which boot, idle, work, drain and are gone, and what that costs.
 * It knows no queue and no policy.
 */

import type { Random } from './random.ts';
import type { Drain } from './world.ts';
import { billedSeconds } from './world.ts';

type State = 'booting' | 'idle' | 'busy' | 'draining' | 'gone';

export class Instances {
  readonly #state: State[] = [];
  readonly #launchedAt: number[] = [];
  readonly #idleSince: number[] = [];
  /** Idle ones in no order, and where each is in that list. */
  readonly #idle: number[] = [];
  readonly #place: number[] = [];
  /** Booting ones, by launch. */
  #booting: number[] = [];
  #busy = 0;
  #alive = 0;
  #billed = 0;
  #mostAlive = 0;

  get launches(): number {
    return this.#state.length;
  }
  get alive(): number {
    return this.#alive;
  }
  get mostAlive(): number {
    return this.#mostAlive;
  }
  get idle(): number {
    return this.#idle.length;
  }
  get busy(): number {
    return this.#busy;
  }
  get serving(): number {
    return this.#idle.length + this.#busy;
  }
  get booting(): number {
    return this.#booting.length;
  }

  launch(now: number): number {
    const instance = this.#state.length;
    this.#state.push('booting');
    this.#launchedAt.push(now);
    this.#idleSince.push(now);
    this.#place.push(-1);
    this.#booting.push(instance);
    this.#alive += 1;
    this.#mostAlive = Math.max(this.#mostAlive, this.#alive);
    return instance;
  }

  /** Nothing happens when it was removed while it booted. */
  ready(instance: number, now: number): boolean {
    if (this.#state[instance] !== 'booting') return false;
    this.#booting = this.#booting.filter((one) => one !== instance);
    this.#rest(instance, now);
    return true;
  }

  /** Seconds since launch of those that boot. */
  bootingFor(now: number): number[] {
    return this.#booting.map((instance) => now - this.#launchedAt[instance]!);
  }

  idleFor(seconds: number, now: number): number {
    let count = 0;
    for (const instance of this.#idle) if (now - this.#idleSince[instance]! >= seconds) count += 1;
    return count;
  }

  /** SQS gives a message to any of the workers that poll. There must be an idle one. */
  take(random: Random): number {
    const instance = this.#idle[Math.floor(random() * this.#idle.length)]!;
    this.#leaveIdle(instance);
    this.#state[instance] = 'busy';
    this.#busy += 1;
    return instance;
  }

  /** @returns whether it takes more work; otherwise it was draining and can go */
  finish(instance: number, now: number): boolean {
    if (this.#state[instance] === 'draining') return false;
    this.#busy -= 1;
    this.#rest(instance, now);
    return true;
  }

  /** Instances idle for at least this long, the newest first. They stop taking work and can go. */
  drainIdle({ count, idleSeconds, young }: Drain, now: number): number[] {
    const mustIdle = (instance: number): number =>
      young && now - this.#launchedAt[instance]! < young.forSeconds
        ? young.idleSeconds
        : idleSeconds;
    const chosen = this.#idle
      .filter((instance) => now - this.#idleSince[instance]! >= mustIdle(instance))
      .sort((a, b) => b - a)
      .slice(0, Math.max(0, count));
    for (const instance of chosen) this.stop(instance);
    return chosen;
  }

  /** Booting ones first, then the newest. @returns those that can go now; busy ones go when they finish */
  remove(count: number): number[] {
    const booting = this.#booting.slice(Math.max(0, this.#booting.length - Math.max(0, count)));
    const free = [...booting];
    let left = count - booting.length;
    for (let instance = this.#state.length - 1; left > 0 && instance >= 0; instance--) {
      const state = this.#state[instance];
      if (state !== 'idle' && state !== 'busy') continue;
      if (state === 'idle') free.push(instance);
      else this.stop(instance);
      left -= 1;
    }
    for (const instance of free) this.stop(instance);
    return free;
  }

  /** It takes no more work. @returns whether it has none in hand */
  stop(instance: number): boolean {
    const state = this.#state[instance]!;
    if (state === 'draining' || state === 'gone') return false;
    if (state === 'idle') this.#leaveIdle(instance);
    else if (state === 'busy') this.#busy -= 1;
    else this.#booting = this.#booting.filter((one) => one !== instance);
    this.#state[instance] = 'draining';
    return state !== 'busy';
  }

  gone(instance: number, at: number): void {
    this.#state[instance] = 'gone';
    this.#alive -= 1;
    this.#billed += billedSeconds(at - this.#launchedAt[instance]!);
  }

  /** All seconds billed when everything still alive is billed up to `end`. */
  billedUpTo(end: number): number {
    let billed = this.#billed;
    this.#state.forEach((state, instance) => {
      if (state !== 'gone') billed += billedSeconds(end - this.#launchedAt[instance]!);
    });
    return billed;
  }

  #rest(instance: number, now: number): void {
    this.#state[instance] = 'idle';
    this.#idleSince[instance] = now;
    this.#place[instance] = this.#idle.length;
    this.#idle.push(instance);
  }

  #leaveIdle(instance: number): void {
    const place = this.#place[instance]!;
    const last = this.#idle.pop()!;
    if (last !== instance) {
      this.#idle[place] = last;
      this.#place[last] = place;
    }
  }
}
