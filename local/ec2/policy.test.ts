import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { Ec2Error } from './errors.ts';
import { nextState, STATE_CODES, type StateEvent, type StateName } from './fleet/instance.ts';
import { matchesPattern, pageOf } from './lists/filters.ts';

test('a star is any text, a question mark one character, a backslash takes the next as it is', () => {
  const cases: [string, string, boolean][] = [
    ['app-tier-instance-1', 'app-tier-instance*', true],
    ['app-tier-instance', 'app-tier-instance*', true],
    ['web-instance', 'app-tier-instance*', false],
    ['app-tier-instance-12', 'app-tier-instance-?', false],
    ['app-tier-instance-1', 'app-tier-instance-?', true],
    ['App', 'app', false],
    ['a*b', 'a\\*b', true],
    ['axb', 'a\\*b', false],
    ['a\\', 'a\\', true],
    ['', '*', true],
    ['', '?', false],
    ['a.b', 'a.b', true],
    ['axb', 'a.b', false],
    ['😀', '?', true],
  ];
  for (const [value, pattern, matches] of cases) {
    assert.equal(matchesPattern(value, pattern), matches, `${value} ~ ${pattern}`);
  }
});

test('patterns answer as the regular expression they mean would', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
  const patterns = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 });
  fc.assert(
    fc.property(letters, patterns, (value, pattern) => {
      const meant = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`);
      assert.equal(matchesPattern(value, pattern), meant.test(value));
    }),
  );
});

test('a pattern made to be slow is not', () => {
  const began = performance.now();
  assert.equal(matchesPattern('a'.repeat(2000), `${'*a'.repeat(100)}b`), false);
  assert.ok(performance.now() - began < 1000);
});

test('pages give everything once, in order, also when things go between them', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat({ max: 500 }), { maxLength: 60 }),
      fc.integer({ min: 1, max: 9 }),
      (numbers, MaxResults) => {
        let things = numbers.toSorted((a, b) => a - b);
        const all = [...things];
        const seen: number[] = [];
        let NextToken: string | undefined;
        do {
          const page = pageOf(things, (n) => n, { MaxResults, NextToken });
          seen.push(...page.things);
          NextToken = page.nextToken;
          // What was given may be forgotten before the next page is asked for.
          things = things.filter((n) => !seen.includes(n) || n % 2 === 0);
        } while (NextToken !== undefined);
        assert.deepEqual(seen, all);
      },
    ),
  );
});

test('a token of somewhere else is refused', () => {
  assert.throws(
    () => pageOf([1], (n) => n, { NextToken: 'made up' }),
    (error) => error instanceof Ec2Error && error.ec2Code === 'InvalidNextToken',
  );
});

const EVENTS: readonly StateEvent[] = ['spawned', 'exited', 'terminate', 'stop', 'start'];

test('terminated is the end, and every life can come to it', () => {
  for (const event of EVENTS) {
    const after = nextState('terminated', event);
    assert.ok(after === undefined || after === 'terminated');
  }
  for (const state of Object.keys(STATE_CODES) as StateName[]) {
    const asked = nextState(state, 'terminate');
    assert.ok(asked === 'shutting-down' || asked === 'terminated', state);
  }
  assert.equal(nextState('shutting-down', 'exited'), 'terminated');
});

test('stopping and starting go the way EC2 goes', () => {
  assert.equal(nextState('running', 'stop'), 'stopping');
  assert.equal(nextState('stopping', 'exited'), 'stopped');
  assert.equal(nextState('stopped', 'start'), 'pending');
  assert.equal(nextState('pending', 'stop'), undefined);
  assert.equal(nextState('stopping', 'start'), undefined);
  assert.equal(nextState('terminated', 'start'), undefined);
});
