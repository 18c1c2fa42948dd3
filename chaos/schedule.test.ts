import assert from 'node:assert/strict';
import { it } from 'node:test';
import { callFaults, processes, type ScheduledFault, schedule, services } from './schedule.ts';

function first(count: number, seed: number): ScheduledFault[] {
  const faults = schedule(seed, { perMinute: 30, visibilityMs: 5000 });
  return Array.from({ length: count }, () => faults.next().value);
}

it('one seed gives one schedule, another seed another', () => {
  assert.deepEqual(first(200, 7), first(200, 7));
  assert.notDeepEqual(first(200, 7), first(200, 8));
});

it('a long schedule holds every fault, at the rate asked for, pauses longer than the visibility', () => {
  const faults = first(2000, 1);
  const met = new Set(
    faults.map(({ fault }) =>
      fault.kind === 'calls'
        ? `${fault.service} ${fault.fault}`
        : `${fault.kind} ${'what' in fault ? fault.what : ''}`,
    ),
  );
  for (const what of processes) {
    assert.ok(met.has(`kill ${what}`), what);
    assert.ok(met.has(`pause ${what}`), what);
  }
  for (const service of services) {
    for (const fault of callFaults.slice(0, 6)) assert.ok(met.has(`${service} ${fault}`), fault);
  }
  for (const fault of callFaults.slice(6)) assert.ok(met.has(`sqs ${fault}`), fault);
  for (const { fault } of faults) if (fault.kind === 'pause') assert.ok(fault.ms > 5000);
  const minutes = faults.at(-1)!.at / 60_000;
  assert.ok(Math.abs(2000 / minutes - 30) < 3, `${2000 / minutes} a minute`);
});
