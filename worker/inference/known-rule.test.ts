import assert from 'node:assert/strict';
import { it } from 'node:test';
import { knownRule } from './known-rule.ts';

const unset = { distance: undefined, odds: undefined, encoderDistance: 0.92 };

it('a gallery as it was converted is judged by the distance of its encoder, a changed one by odds', () => {
  assert.deepEqual(knownRule({}, unset, 0), { knownWithin: 0.92 });
  assert.deepEqual(knownRule({}, unset, 1), { knownOdds: 1000 });
});

it('settings hold for every gallery, and a distance goes before odds', () => {
  for (const version of [0, 7]) {
    assert.deepEqual(knownRule({}, { ...unset, odds: 50 }, version), { knownOdds: 50 });
    const both = { ...unset, odds: 50, distance: 0.8 };
    assert.deepEqual(knownRule({}, both, version), { knownWithin: 0.8 });
  }
});

it('the odds of a request go before all settings', () => {
  const both = { ...unset, odds: 50, distance: 0.8 };
  assert.deepEqual(knownRule({ odds: 10_000 }, both, 3), { knownOdds: 10_000 });
});
