import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Scaler, View } from '../simulation/world.ts';
import { keda, kedaDefaults, stepScaling, targetTracking } from './peers.ts';

/** A world in which every order is carried out at once, so that only the scaler's own pace shows. */
class Instant {
  fleet = 0;
  now = 0;
  readonly #scaler: Scaler;

  constructor(scaler: Scaler) {
    this.#scaler = scaler;
  }

  /** @returns the fleet after this many seconds with this many messages */
  after(seconds: number, visible: number, inFlight = 0): number {
    for (let second = 0; second < seconds; second++) {
      this.now += 1;
      const view: View = {
        now: this.now,
        visible,
        inFlight,
        oldest: 0,
        serving: this.fleet,
        booting: [],
        arrived: 0,
        finished: 0,
        worked: 0,
        booted: 0,
        bootedSeconds: 0,
        idleFor: () => this.fleet,
      };
      const { launch = 0, remove = 0 } = this.#scaler.tick(view);
      this.fleet += launch - remove;
    }
    return this.fleet;
  }
}

describe('KEDA', () => {
  const start = (more = {}): Instant => new Instant(keda({ ...kedaDefaults, ...more }, 100));

  it('leaves zero at the next poll, to one', () => {
    const world = start();
    assert.equal(world.after(5, 0), 0);
    assert.equal(world.after(24, 100), 0);
    assert.equal(world.after(1, 100), 1);
  });

  it('stays at zero up to the activation length', () => {
    const world = start({ activationQueueLength: 10 });
    assert.equal(world.after(90, 10), 0);
    assert.equal(world.after(30, 11), 1);
  });

  it('wants visible and in-flight messages over the queue length', () => {
    const world = start({ queueLength: 10 });
    world.after(1, 1);
    assert.equal(world.after(600, 60, 20), 8);
  });

  it('adds at most four pods or as many as there are in 15 seconds', () => {
    const world = start({ pollingInterval: 1, queueLength: 1 });
    assert.equal(world.after(7, 100), 1);
    assert.equal(world.after(1, 100), 5);
    assert.equal(world.after(15, 100), 10);
    assert.equal(world.after(15, 100), 20);
  });

  it('does nothing within a tenth of the target', () => {
    const world = start({ queueLength: 10 });
    world.after(600, 100);
    assert.equal(world.fleet, 10);
    assert.equal(world.after(600, 109), 10);
    assert.equal(world.after(600, 112), 12);
  });

  it('comes down to the most it wanted within 300 seconds', () => {
    const world = start({ queueLength: 10 });
    world.after(600, 100);
    assert.equal(world.after(285, 20), 10);
    assert.equal(world.after(30, 20), 2);
  });

  it('goes to zero once it has been empty for the cooldown, from one', () => {
    const world = start({ queueLength: 10 });
    world.after(600, 10);
    assert.equal(world.after(270, 0), 1);
    assert.equal(world.after(60, 0), 0);
  });
});

describe('target tracking', () => {
  it('scales out by proportion when three minutes in a row are above the target', () => {
    const world = new Instant(targetTracking({ target: 10, least: 1 }, 100));
    world.after(59, 0);
    assert.equal(world.after(2 * 60, 45), 1);
    assert.equal(world.after(60, 45), 5);
  });

  it('scales in when fifteen minutes in a row are below nine tenths of it', () => {
    const world = new Instant(targetTracking({ target: 10, least: 1 }, 100));
    world.after(4 * 60, 50);
    assert.equal(world.fleet, 5);
    assert.equal(world.after(20 * 60, 46), 5, 'nine tenths is still the target');
    assert.equal(world.after(14 * 60, 20), 5);
    assert.equal(world.after(2 * 60, 20), 2);
  });

  it('leaves zero only by the step policy that people add', () => {
    const world = new Instant(targetTracking({ target: 10, least: 0 }, 100));
    assert.equal(world.after(59, 1000), 0);
    assert.equal(world.after(1, 1000), 1);
  });
});

describe('step scaling', () => {
  it('doubles with the queue, once a minute, and goes back when it was quiet long enough', () => {
    const world = new Instant(stepScaling({ perInstance: 100, quietMinutes: 5, least: 0 }, 100));
    assert.equal(world.after(59, 1), 0);
    assert.equal(world.after(1, 1), 1);
    assert.equal(world.after(60, 100), 2);
    assert.equal(world.after(60, 399), 4);
    assert.equal(world.after(60, 5), 4);
    assert.equal(world.after(4 * 60, 0), 4);
    assert.equal(world.after(60, 0), 0);
  });
});
