import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lease, running, START, Ticks } from './observation.fixture.ts';

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

  it('does not trust two readings that are 15 s apart', () => {
    const ticks = new Ticks();
    look(ticks, 0);
    assert.deepEqual(look(ticks, 16), []);
  });
});
