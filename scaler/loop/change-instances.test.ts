import assert from 'node:assert/strict';
import { it } from 'node:test';
import { pino } from 'pino';
import type { Leases } from '../../cloud/redis/leases.ts';
import type { Starting, Terminating } from '../decide/actions.ts';
import { end, start } from './change-instances.ts';
import { MemoryFleet } from './fleet.fixture.ts';

const why = { cause: 'drained', reason: 'a test' } as const;

function open(count: number) {
  const fleet = new MemoryFleet();
  const ids = Array.from({ length: count }, (_, index) => fleet.add(index + 1).id);
  const forgotten: string[] = [];
  const leases: Partial<Leases> = { forget: async (id) => void forgotten.push(id) };
  const levels: number[] = [];
  const log = pino({}, { write: (line) => void levels.push(JSON.parse(line).level) });
  return { fleet, ids, forgotten, levels, parts: { fleet, leases: leases as Leases, log } };
}

const terminating = (ids: readonly string[], failures?: number): Terminating[] =>
  ids.map((instanceId, index) => ({
    kind: 'terminate',
    number: index + 1,
    instanceId,
    ...(failures === undefined ? {} : { failures }),
    ...why,
  }));

it('one instance that may not be terminated does not hold the others', async () => {
  const { fleet, ids, forgotten, parts } = open(3);
  fleet.locked.add(ids[1]!);
  const outcomes = await end('terminate', terminating(ids), parts);
  assert.deepEqual(fleet.numbers, [2]);
  assert.deepEqual(forgotten, [ids[0], ids[2]]);
  assert.deepEqual(outcomes, [
    {
      kind: 'terminate-failed',
      instanceIds: [ids[1]],
      code: 'OperationNotPermitted',
      refused: true,
    },
  ]);
});

it('one that may not be stopped is the only one that is refused', async () => {
  const { fleet, ids, parts } = open(3);
  fleet.locked.add(ids[0]!);
  const stops = ids.map((instanceId) => ({ kind: 'stop', number: 1, instanceId, ...why }) as const);
  const outcomes = await end('stop', stops, parts);
  assert.deepEqual(
    outcomes.map((one) => 'instanceIds' in one && one.instanceIds),
    [[ids[0]]],
  );
  assert.deepEqual(
    fleet.alive.map(({ state }) => state),
    ['running', 'stopped', 'stopped'],
  );
});

it('of several that are started, those that can be are; the others are one failure', async () => {
  const { fleet, ids, parts } = open(4);
  for (const id of ids) fleet.setState(id, 'stopped');
  fleet.locked.add(ids[0]!).add(ids[3]!);
  const starts = ids.map(
    (instanceId): Starting => ({ kind: 'start', number: 1, instanceId, ...why }),
  );
  const outcomes = await start(starts, parts, () => true);
  assert.deepEqual(
    outcomes.map((one) => [one.kind, 'instanceIds' in one && one.instanceIds]),
    [
      ['started', [ids[1], ids[2]]],
      ['start-failed', [ids[0], ids[3]]],
    ],
  );
});

it('a call without an answer is not made one by one', async () => {
  const { fleet, ids, parts } = open(3);
  fleet.terminateFails = true;
  const outcomes = await end('terminate', terminating(ids), parts);
  assert.equal(fleet.terminations.length, 1);
  assert.equal(outcomes.length, 1);
});

it('warns the first time only', async () => {
  const { fleet, ids, levels, parts } = open(1);
  fleet.locked.add(ids[0]!);
  await end('terminate', terminating(ids), parts);
  await end('terminate', terminating(ids, 1), parts);
  assert.deepEqual(levels, [40]);
});
