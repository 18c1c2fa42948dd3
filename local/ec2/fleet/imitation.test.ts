import assert from 'node:assert/strict';
import test from 'node:test';
import { readSettings } from '../../../runtime/settings.ts';
import { draw, Imitation } from './imitation.ts';

const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

const kind = (instanceType: string) => ({ instanceType, subnetId: undefined, spot: false });

test('with nothing set, or the defaults, no call fails, waits, lags or runs short', () => {
  for (const imitation of [new Imitation(), new Imitation(readSettings({}, {}))]) {
    assert.equal(imitation.lagMs, 0);
    for (let i = 0; i < 1000; i++) {
      assert.equal(imitation.bootMs(), 0);
      assert.equal(imitation.startMs(), 0);
      assert.equal(imitation.stopMs('stop'), 0);
      assert.equal(imitation.stopMs('hibernate'), 0);
      assert.equal(imitation.failure('RunInstances'), undefined);
      assert.equal(imitation.losesReply('RunInstances'), false);
      assert.equal(imitation.spotFate(), undefined);
    }
    const capacity = imitation.capacityFor(kind('c7i.large'), Array(1e5).fill(kind('c7i.large')));
    assert.deepEqual(capacity, { hardware: Infinity, addresses: Infinity });
  }
});

test('a draw is even, the same for the same seed, and another for another', () => {
  const draws = Array.from({ length: 10_000 }, (_, i) => draw(1, 'boot', i));
  assert.ok(draws.every((at) => at >= 0 && at < 1));
  for (const tenth of [0.1, 0.5, 0.9]) {
    const below = draws.filter((at) => at < tenth).length / draws.length;
    assert.ok(Math.abs(below - tenth) < 0.02, `${below} of them are below ${tenth}`);
  }
  assert.equal(draw(1, 'boot', 7), draws[7]);
  assert.notEqual(draw(2, 'boot', 7), draws[7]);
  assert.notEqual(draw(1, 'stop', 7), draws[7]);
});

test('times lie in their range, differ, and do not depend on what else is asked between', () => {
  const settings = { LOCAL_EC2_BOOT_SECONDS: '15-40', LOCAL_EC2_FAILURES: '*=0.5:InternalError' };
  const alone = new Imitation(settings);
  const boots = times(50, () => alone.bootMs());
  assert.ok(boots.every((ms) => ms >= 15_000 && ms <= 40_000));
  assert.ok(new Set(boots).size > 40);
  const busy = new Imitation(settings);
  const others = times(50, () => {
    busy.failure('DescribeInstances');
    busy.stopMs('stop');
    return busy.bootMs();
  });
  assert.deepEqual(others, boots);
  const seeded = new Imitation({ ...settings, LOCAL_EC2_SEED: 2 });
  assert.notDeepEqual(
    times(50, () => seeded.bootMs()),
    boots,
  );
});

test('a hibernation takes as long as a stop unless it has a time of its own', () => {
  const LOCAL_EC2_STOP_SECONDS = '3';
  assert.equal(new Imitation({ LOCAL_EC2_STOP_SECONDS }).stopMs('hibernate'), 3000);
  const own = new Imitation({ LOCAL_EC2_STOP_SECONDS, LOCAL_EC2_HIBERNATE_SECONDS: '9' });
  assert.deepEqual([own.stopMs('stop'), own.stopMs('hibernate')], [3000, 9000]);
});

test('failures come at their rates, also several for one action, with EC2’s own statuses', () => {
  const imitation = new Imitation({
    LOCAL_EC2_FAILURES:
      'RunInstances=0.2:InsufficientInstanceCapacity,*=0.1:RequestLimitExceeded,StopInstances=1:Odd.Code',
  });
  const failures = times(4000, () => imitation.failure('RunInstances'));
  const share = (code: string): number =>
    failures.filter((failure) => failure?.ec2Code === code).length / failures.length;
  assert.ok(Math.abs(share('InsufficientInstanceCapacity') - 0.2) < 0.03);
  assert.ok(Math.abs(share('RequestLimitExceeded') - 0.1) < 0.03);
  const statuses = new Map(failures.map((failure) => [failure?.ec2Code, failure?.status]));
  assert.equal(statuses.get('InsufficientInstanceCapacity'), 500);
  assert.equal(statuses.get('RequestLimitExceeded'), 503);
  const stops = new Set(times(100, () => imitation.failure('StopInstances')?.ec2Code));
  assert.deepEqual(stops, new Set(['RequestLimitExceeded', 'Odd.Code']));
});

test('hardware runs out in all and by type', () => {
  const imitation = new Imitation({ LOCAL_EC2_CAPACITY: '*=5,c7i.large=2' });
  const hardware = (type: string, inUse: string[]) =>
    imitation.capacityFor(kind(type), inUse.map(kind)).hardware;
  assert.equal(hardware('c7i.large', []), 2);
  assert.equal(hardware('c7i.large', ['c7i.large', 'c7a.large']), 1);
  assert.equal(hardware('c7a.large', ['c7i.large', 'c7a.large']), 3);
  assert.equal(hardware('c7i.large', Array(5).fill('c7a.large')), 0);
  assert.equal(hardware('c7a.large', Array(9).fill('c7a.large')), 0);
});

test('spot capacity runs out for spot instances, addresses in their subnet', () => {
  const imitation = new Imitation({ LOCAL_EC2_CAPACITY: 'spot=1,subnet-a=2' });
  const spot = { ...kind('c7i.large'), spot: true };
  const inA = { ...kind('c7i.large'), subnetId: 'subnet-a' };
  assert.equal(imitation.capacityFor(spot, [kind('c7i.large')]).hardware, 1);
  assert.equal(imitation.capacityFor(spot, [spot]).hardware, 0);
  assert.equal(imitation.capacityFor(kind('c7i.large'), [spot]).hardware, Infinity);
  assert.equal(imitation.capacityFor(inA, [inA, inA]).addresses, 0);
  assert.equal(imitation.capacityFor(kind('c7i.large'), [inA, inA]).addresses, Infinity);
});

test('spot instances are taken back after as long on average as the rate says, notice first', () => {
  const imitation = new Imitation({
    LOCAL_EC2_SPOT_INTERRUPTIONS: 2,
    LOCAL_EC2_SPOT_NOTICE_SECONDS: 120,
  });
  const fates = times(3000, () => imitation.spotFate()!);
  const mean = fates.reduce((sum, { noticeMs }) => sum + noticeMs, 0) / fates.length;
  assert.ok(Math.abs(mean / 1_800_000 - 1) < 0.1, `${mean} ms`);
  for (const { rebalanceMs, noticeMs, interruptionMs } of fates) {
    assert.ok(rebalanceMs >= 0 && rebalanceMs <= noticeMs);
    assert.equal(interruptionMs, noticeMs + 120_000);
  }
});

for (const [name, value, rule] of [
  ['LOCAL_EC2_BOOT_SECONDS', '40-15', /smaller number first/],
  ['LOCAL_EC2_BOOT_SECONDS', 'soon', /a number of seconds or two, e.g. 20 or 15-40/],
  ['LOCAL_EC2_FAILURES', 'RunInstances=1.5:InternalError', /must be a list like RunInstances=0.2/],
  ['LOCAL_EC2_FAILURES', 'RunInstances=0.5', /must be a list like RunInstances=0.2/],
  ['LOCAL_EC2_LOST_REPLIES', 'RunInstances', /must be a list like RunInstances=0.2/],
  ['LOCAL_EC2_CAPACITY', '20', /must be a list like \*=20,c7i.large=4/],
] as const) {
  test(`${name}=${value} is refused with its rule`, () => {
    assert.throws(() => readSettings({}, { [name]: value }), rule);
  });
}
