import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Place } from '../../cloud/ec2/launch-input.ts';
import {
  type Closures,
  close,
  nextTry,
  openPlace,
  placeName,
  placesOf,
  reopen,
} from './placements.ts';

const TYPES = { INSTANCE_TYPE: 'c7i.large,c6i.large', SUBNET_ID: 'subnet-a,subnet-b' };
const both = placesOf({ ...TYPES, SPOT: 'prefer' });
const [first] = both as [Place];
const now = 1000;
const NONE: Closures = new Map();
const closed = (code: string | undefined, closures = NONE, at = now, place = first) =>
  close(closures, place, code, { now: at, random: 0 });
const next = (code: string | undefined) => {
  const place = openPlace(both, closed(code), now);
  return place && placeName(place);
};

describe('places to launch in', () => {
  it('are tried spot first, then by type, then by subnet', () => {
    assert.deepEqual(both.map(placeName), [
      'c7i.large in subnet-a as spot',
      'c7i.large in subnet-b as spot',
      'c6i.large in subnet-a as spot',
      'c6i.large in subnet-b as spot',
      'c7i.large in subnet-a',
      'c7i.large in subnet-b',
      'c6i.large in subnet-a',
      'c6i.large in subnet-b',
    ]);
    const plain = { INSTANCE_TYPE: 'c7i.large', SUBNET_ID: undefined };
    assert.deepEqual(placesOf({ ...plain, SPOT: 'no' }).map(placeName), ['c7i.large']);
    assert.deepEqual(placesOf({ ...plain, SPOT: 'only' }).map(placeName), ['c7i.large as spot']);
  });

  it('give way to the next that the refusal does not concern', () => {
    assert.equal(next('InsufficientInstanceCapacity'), 'c7i.large in subnet-b as spot');
    assert.equal(next('Unsupported'), 'c7i.large in subnet-b as spot');
    assert.equal(next('InsufficientFreeAddressesInSubnet'), 'c7i.large in subnet-b as spot');
    assert.equal(next('VcpuLimitExceeded'), 'c6i.large in subnet-a as spot');
    assert.equal(next('MaxSpotInstanceCountExceeded'), 'c7i.large in subnet-a');
    assert.equal(
      next('AuthFailure.ServiceLinkedRoleCreationNotPermitted'),
      'c7i.large in subnet-a',
    );
    for (const code of ['RequestLimitExceeded', 'InvalidAMIID.NotFound', undefined]) {
      assert.equal(next(code), undefined, code);
    }
  });

  it('are all tried after a refusal that is not known, and closed when each gave it', () => {
    let closures = NONE;
    const tried: Place[] = [];
    for (let at = now; at < now + both.length; at++) {
      const place = openPlace(both, closures, at)!;
      tried.push(place);
      closures = closed('PendingVerification', closures, at, place);
    }
    assert.deepEqual(tried, both);
    assert.equal(openPlace(both, closures, now + both.length), undefined);
    // Each waits by itself, up to five minutes.
    let calls = 0;
    for (let at = now + 10; at < now + 3_600_000; at += 1000) {
      const place = openPlace(both, closures, at);
      if (place === undefined) continue;
      calls += 1;
      closures = closed('PendingVerification', closures, at, place);
    }
    assert.ok(calls < both.length * 20, `${calls} calls within the hour`);
  });

  it('a subnet without addresses concerns both markets and every type', () => {
    const onlyA = placesOf({ ...TYPES, SUBNET_ID: 'subnet-a', SPOT: 'prefer' });
    const closures = closed('InsufficientFreeAddressesInSubnet');
    assert.equal(openPlace(onlyA, closures, now), undefined);
    assert.equal(nextTry(onlyA, closures, now), now + 5000);
  });

  it('the preferred one is tried again after a delay that doubles with each failure, up to its longest', () => {
    let closures = NONE;
    const delays: number[] = [];
    for (let at = now, i = 0; i < 9; i++) {
      closures = closed('InsufficientInstanceCapacity', closures, at);
      const until = [...closures.values()][0]?.until ?? 0;
      delays.push((until - at) / 1000);
      assert.notEqual(openPlace(both, closures, until - 1), first);
      assert.equal(openPlace(both, closures, until), first);
      at = until;
    }
    assert.deepEqual(delays, [1, 2, 4, 8, 16, 32, 64, 120, 120]);
    assert.equal(reopen(closures, first).size, 0);
    const later = closed('InsufficientInstanceCapacity', closures, now + 3_600_000);
    assert.equal([...later.values()][0]?.failures, 1, 'an old failure is forgotten');
  });

  it('in any order of refusals, an open place is the first that no refusal of its own holds back', () => {
    const codes = fc.constantFrom(
      'InsufficientInstanceCapacity',
      'Unsupported',
      'InsufficientFreeAddressesInSubnet',
      'VcpuLimitExceeded',
      'MaxSpotInstanceCountExceeded',
      'RequestLimitExceeded',
      'AuthFailure.ServiceLinkedRoleCreationNotPermitted',
      'PendingVerification',
      undefined,
    );
    const refusals = fc.array(
      fc.record({
        code: codes,
        place: fc.nat(7),
        after: fc.nat(400_000),
        random: fc.float({ min: 0, max: 1, noNaN: true }),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(refusals, (list) => {
        let closures = NONE;
        let at = now;
        for (const { code, place, after, random } of list) {
          at += after;
          closures = close(closures, both[place]!, code, { now: at, random });
          const open = openPlace(both, closures, at);
          assert.notEqual(open, both[place], 'never at once where it was just refused');
          const wait = nextTry(both, closures, at);
          assert.equal(wait === undefined, open !== undefined);
          if (wait === undefined) continue;
          assert.ok(wait > at && wait <= at + 3_600_000, 'it ends');
          assert.equal(openPlace(both, closures, wait - 1), undefined);
          assert.notEqual(openPlace(both, closures, wait), undefined);
        }
        assert.equal(openPlace(both, closures, at + 3_600_000), first, 'back to the preferred');
      }),
      { seed: 546, numRuns: 300 },
    );
  });
});
