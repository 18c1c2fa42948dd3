import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startMemory } from './memory.ts';
import { lease, observation, running, type Seen, START, Ticks } from './observation.fixture.ts';
import { ANYWHERE } from './scale-out.ts';
import { situationOf } from './situation.ts';

const memory = startMemory('s');

function see(seen: Seen, more: Partial<typeof memory> = {}, missing: typeof memory.launches = []) {
  const one = observation(seen);
  return situationOf(one, { serving: one.instances ?? [], missing }, { ...memory, ...more });
}

describe('a situation', () => {
  it('tells those that take work from those on their way, and for how long they have been', () => {
    const instances = [
      running(1),
      running(2, { launchedAt: START - 7000 }),
      running(3, { launchedAt: START - 9000 }),
    ];
    const leases = { 'i-1': lease('idle'), 'i-2': lease('starting') };
    const call = { nonce: 'n', numbers: [4], place: ANYWHERE[0]! };
    const missing = [{ number: 4, nonce: 'n', call, askedAt: START - 2000 }];
    const { serving, booting } = see({ instances, leases }, {}, missing);
    assert.deepEqual([serving, booting], [1, [7, 9, 2]]);
  });

  it('an instance that spoke before serves, though its lease is lost', () => {
    const lastHeardAt = new Map([['i-1', START - 1000]]);
    assert.equal(see({ instances: [running(1)], leases: {} }, { lastHeardAt }).serving, 1);
  });

  it('without leases takes those for booting that are younger than a boot', () => {
    const instances = [running(1), running(2, { launchedAt: START - 7000 })];
    const { serving, booting } = see({ instances, leases: 'unreadable', visible: 1 });
    assert.deepEqual([serving, booting], [1, [7]]);
  });

  it('divides the demand into what waits and what is in work', () => {
    const pressure = { count: 5, oldestAt: START - 3000 };
    const queue = see({ visible: 1, inFlight: 2, pressure });
    assert.deepEqual([queue.visible, queue.inFlight, queue.oldestSeconds], [3, 2, 3]);
    const leases = { 'i-1': lease('busy') };
    const hands = see({ instances: [running(1)], leases, visible: 'unreadable', pressure });
    assert.deepEqual([hands.visible, hands.inFlight], [4, 1]);
    assert.equal(see({ visible: 1 }).oldestSeconds, undefined);
  });

  it('says for how long there has been nothing, unless there is something', () => {
    const empty = { since: START - 4000, readings: 3 };
    assert.equal(see({}, { empty }).emptySeconds, 4);
    assert.equal(see({ pressure: { count: 1 } }, { empty }).emptySeconds, undefined);
  });
});

describe('healing the pressure', () => {
  const at = (seconds: number) => START + seconds * 1000;
  const stale = { count: 2, oldestAt: START - 60_000 };
  const full = [1, 2, 3, 4].map((number) => running(number));
  const look = (ticks: Ticks, seconds: number, more = {}) =>
    ticks.see({ now: at(seconds), instances: full, pressure: stale, ...more });

  it('forgets what came before the queue was empty for 15 s', () => {
    const ticks = new Ticks();
    for (let second = 0; second < 15; second++) assert.deepEqual(look(ticks, second), []);
    assert.deepEqual(look(ticks, 15), ['forget before 0']);
  });

  it('keeps what is younger, or in work, and starts again after a failed reading', () => {
    const ticks = new Ticks();
    for (const more of [
      { pressure: { count: 1, oldestAt: at(16) } },
      { leases: { 'i-1': lease('busy') } },
      { visible: 'unreadable' },
      { leases: 'unreadable' },
    ]) {
      for (let second = 0; second < 15; second++) look(ticks, second);
      assert.deepEqual(look(ticks, 16, more), []);
    }
    assert.deepEqual(look(ticks, 17), []);
  });

  it('forgets what is older than a request may take while more is counted than the queue has', () => {
    const ticks = new Ticks({ REQUEST_SECONDS: 30 });
    const pressure = { count: 8, recent: 2, oldestAt: START - 20_000 };
    const seen = { pressure, visible: 5, leases: { 'i-1': lease('busy') } };
    // Nothing is forgotten at 10 s, when the oldest has had its time, but once that has lasted for 15 s.
    for (let second = 0; second < 15; second++) assert.deepEqual(look(ticks, second, seen), []);
    assert.deepEqual(look(ticks, 15, seen), ['forget before -15000']);
    const young = { pressure: { ...pressure, oldestAt: START } };
    assert.deepEqual(look(ticks, 16, { ...seen, ...young }), []);
    assert.deepEqual(look(ticks, 17, { ...seen, visible: 6 }), []);
    assert.deepEqual(look(ticks, 18, seen), []);
  });

  it('does not trust two readings that are 15 s apart', () => {
    const ticks = new Ticks();
    look(ticks, 0);
    assert.deepEqual(look(ticks, 16), []);
  });
});
