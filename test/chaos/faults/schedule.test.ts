import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  callFaults,
  hostileKinds,
  lengthOf,
  linkFaults,
  linkNames,
  peopleFaults,
  processes,
  rowOf,
  services,
} from './faults.ts';
import { type ScheduledFault, type ScheduleOptions, schedule } from './schedule.ts';

const rate = { perMinute: 30, visibilityMs: 5000 };

function first(count: number, seed: number, more: Partial<ScheduleOptions> = {}): ScheduledFault[] {
  const faults = schedule(seed, { ...rate, ...more });
  return Array.from({ length: count }, () => faults.next().value);
}

it('one seed gives one schedule, another seed another', () => {
  assert.deepEqual(first(200, 7), first(200, 7));
  assert.notDeepEqual(first(200, 7), first(200, 8));
});

it('a long schedule holds every fault, at the rate asked for, pauses longer than the visibility', () => {
  const faults = first(2000, 1);
  const met = new Set(faults.map(({ fault }) => rowOf(fault)));
  for (const what of processes) {
    assert.ok(met.has(`kill ${what}`), what);
    assert.ok(met.has(`pause ${what}`), what);
  }
  for (const service of services) {
    for (const fault of callFaults.slice(0, 6)) assert.ok(met.has(`${service} ${fault}`), fault);
  }
  for (const fault of callFaults.slice(6)) assert.ok(met.has(`sqs ${fault}`), fault);
  for (const link of linkNames) {
    for (const how of linkFaults) assert.ok(met.has(`${link} ${how}`), `${link} ${how}`);
  }
  for (const how of hostileKinds) assert.ok(met.has(`${how} clients`), how);
  for (const what of ['failover', 'second-scaler', 'burst', 'birth', 'slow-down', 'clock web']) {
    assert.ok(met.has(what), what);
  }
  for (const { fault } of faults) if (fault.kind === 'pause') assert.ok(fault.ms > 5000);
  const minutes = faults.at(-1)!.at / 60_000;
  assert.ok(Math.abs(2000 / minutes - 30) < 3, `${2000 / minutes} a minute`);
});

it('faults on people leave all others as they are', () => {
  const quiet = { quietMs: 40_000 };
  const without = first(400, 7, quiet).map(({ at, fault }) => ({ at, fault }));
  const all = first(800, 7, { ...quiet, people: true });
  const others = all.filter(({ fault }) => fault.kind !== 'people');
  assert.deepEqual(
    others.slice(0, 400).map(({ at, fault }) => ({ at, fault })),
    without,
  );
  const met = new Set(all.map(({ fault }) => rowOf(fault)));
  for (const how of peopleFaults) assert.ok(met.has(`people ${how}`), how);
});

it('a schedule with quiet times has single faults with quiet on both sides, S3 away for minutes among them', () => {
  const quietMs = 40_000;
  const faults = first(2000, 3, { leadMs: 20_000, quietMs });
  assert.ok(faults[0]!.at > 20_000);
  const alone = faults.filter(({ at, fault }, index) => {
    const ends = faults.slice(0, index).map((one) => one.at + lengthOf(one.fault));
    const next = faults[index + 1]?.at ?? 0;
    return at - Math.max(0, ...ends) >= quietMs && next - at - lengthOf(fault) >= quietMs;
  });
  assert.ok(alone.length > 50, `${alone.length}`);
  const longest = Math.max(...alone.map(({ fault }) => lengthOf(fault)));
  assert.ok(longest > 120_000 && longest <= 180_000, `${longest} ms`);
});

it('storms are as large as asked for, on average', () => {
  const storms = (stormFaults: number): number => {
    const faults = first(4000, 5, { perMinute: 60, quietMs: 40_000, stormFaults });
    // Storms begin where one fault follows another within seconds, after a quiet time.
    return faults.filter(({ at }, index) => {
      const [before, after] = [faults[index - 1]?.at ?? -1e9, faults[index + 1]?.at ?? 1e9];
      return at - before >= 40_000 && after - at < 40_000;
    }).length;
  };
  const [few, many] = [storms(120), storms(40)];
  assert.ok(many / few > 2 && many / few < 4, `${many} and ${few} storms`);
});
