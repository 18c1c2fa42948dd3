import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Leases } from '../../cloud/redis/leases.ts';
import type { Pressure } from '../../cloud/redis/pressure.ts';
import { silent } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import type { Launching } from '../decide/actions.ts';
import { launchesOf } from '../decide/launches.ts';
import { assumeDone, startMemory } from '../decide/memory.ts';
import { applyOutcomes } from '../decide/outcomes.ts';
import { ANYWHERE } from '../decide/scale-out.ts';
import { act } from './act.ts';
import { awsError, MemoryFleet } from './fleet.fixture.ts';

const [place] = ANYWHERE;
const reason = 'a test';
const launches = (numbers: number[], from = 0): Launching[] =>
  launchesOf(numbers, {
    place: place!,
    cause: 'demand',
    reason,
    nonce: (index) => `n${from + index}`,
  });

function partsOf(fleet: MemoryFleet, mayLaunch: () => boolean) {
  const [leases, pressure] = [{} as Leases, {} as Pressure];
  return { projectId: 'test', fleet, leases, pressure, log: silent, mayLaunch };
}

it('launches that wait for others are not sent when the lead is lost meanwhile, and hold no number', async () => {
  const fleet = new MemoryFleet();
  const held = Promise.withResolvers<void>();
  fleet.held = held.promise;
  let leads = true;
  // Seven calls: as many as launches of two ticks whose answers were lost.
  const actions = [...launches([1, 2, 3, 4]), ...launches([5, 6, 7], 4)];
  const acting = act(
    actions,
    partsOf(fleet, () => leads),
  );
  await until('the first five', () => fleet.calls.length === 5);
  leads = false;
  held.resolve();
  const outcomes = await acting;
  assert.equal(fleet.calls.length, 5);
  assert.deepEqual(fleet.numbers, [1, 2, 3, 4, 5]);
  const memory = applyOutcomes(assumeDone(startMemory('s'), actions, 0), outcomes, 0);
  assert.deepEqual(
    memory.launches.map(({ number }) => number),
    [1, 2, 3, 4, 5],
  );
  assert.equal(memory.closures.size, 0, 'it was nobody’s failure');
});

it('of a call that EC2 fills in part, those it did not give are refused', async () => {
  const fleet = new MemoryFleet();
  fleet.room = 4;
  const outcomes = await act(
    launches([1, 2, 3, 4, 5, 6]),
    partsOf(fleet, () => true),
  );
  assert.equal(fleet.calls.length, 1);
  assert.deepEqual(fleet.numbers, [1, 2, 3, 4]);
  assert.deepEqual(
    outcomes.filter(({ kind }) => kind === 'launch-failed'),
    ['n4', 'n5'].map((nonce) => ({
      kind: 'launch-failed',
      nonce,
      refused: true,
      code: 'InsufficientInstanceCapacity',
    })),
  );
});

it('a call without an answer is asked again as a whole, whatever of it is there', async () => {
  const fleet = new MemoryFleet();
  fleet.lostAnswers = 1;
  const actions = launches([1, 2, 3, 4, 5, 6]);
  const lost = await act(
    actions,
    partsOf(fleet, () => true),
  );
  assert.ok(lost.every((one) => one.kind === 'launch-failed' && !one.refused));
  const rest = await act(
    actions.slice(4),
    partsOf(fleet, () => true),
  );
  assert.deepEqual(fleet.calls[0], fleet.calls[1]);
  assert.deepEqual(fleet.numbers, [1, 2, 3, 4, 5, 6]);
  assert.equal(rest.filter(({ kind }) => kind === 'launched').length, 2);
});

it('an instance that could not be named is launched all the same', async () => {
  const fleet = new MemoryFleet();
  fleet.nameFailures.push(awsError('InvalidInstanceID.NotFound', 400));
  const outcomes = await act(
    launches([1, 2, 3, 4, 5, 6]),
    partsOf(fleet, () => true),
  );
  assert.equal(outcomes.filter(({ kind }) => kind === 'launched').length, 6);
  assert.equal(outcomes.filter(({ kind }) => kind === 'named').length, 5);
  assert.equal(fleet.alive.filter(({ unnamed }) => unnamed).length, 1);
});
