import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Redis } from 'ioredis';
import { pino } from 'pino';
import { openQueue, type Queue } from '../../cloud/aws/sqs/queues.ts';
import { type Leases, openLeases } from '../../cloud/redis/leases.ts';
import { openPressure, type Pressure } from '../../cloud/redis/pressure.ts';
import { countOld, startTestCloud, type TestCloud } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import { awsError, MemoryFleet } from './fleet.fixture.ts';
import { TestLead } from './lead.fixture.ts';
import { type ScalerLoop, type ScalerParts, startLoop } from './loop.ts';

describe('the scaler’s loop', { timeout: 60_000 }, () => {
  let cloud: TestCloud;
  let redis: Redis;
  let requests: Queue;
  let keys: string;
  let leases: Leases;
  let pressure: Pressure;
  let fleet: MemoryFleet;
  let lead: TestLead;
  let loop: ScalerLoop;
  let lines: { msg: string; err?: { message: string } }[];
  let ticks: number;
  /** The scaler's clock, which goes on only when a test says so. */
  let clock: number;
  let clockFails: boolean;
  let project = 0;

  before(async () => {
    cloud = await startTestCloud({ MAX_INSTANCES: 3, IDLE_SECONDS: 5 });
    redis = cloud.redis.client;
    requests = await openQueue(cloud.clients.sqs, cloud.names.requestQueue);
  });
  after(() => cloud.close());
  beforeEach(async () => {
    await requests.purge();
    keys = `loop-test-${project++}`;
    leases = openLeases(redis, keys);
    pressure = openPressure(redis, keys, 60_000);
    fleet = new MemoryFleet();
    lead = new TestLead();
    lines = [];
    ticks = 0;
    clock = Date.now();
    clockFails = false;
  });
  afterEach(() => loop.stop());

  function start(more: Partial<ScalerParts> = {}): void {
    const log = pino({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line)) });
    loop = startLoop({
      projectId: 'test',
      settings: cloud.settings,
      fleet,
      leases,
      pressure,
      requests,
      lead,
      log,
      tickMs: 10,
      now() {
        ticks += 1;
        if (clockFails) throw new Error('no clock');
        return clock;
      },
      ...more,
    });
  }
  const said = (pattern: RegExp) => lines.find(({ msg }) => pattern.test(msg));
  const someTicks = (count = 5): Promise<unknown> => {
    const from = ticks;
    return until('more ticks', () => ticks > from + count);
  };
  const idleLease = { state: 'idle', forMs: 60_000, inHand: 0, finished: 1 } as const;

  it('launches for the messages of a real queue, under numbers and tokens of the project', async () => {
    await Promise.all([requests.send('a'), requests.send('b')]);
    start();
    await until('two instances', () => fleet.alive.length === 2);
    await someTicks();
    assert.deepEqual(fleet.numbers, [1, 2]);
    assert.match(fleet.tokens[0] ?? '', /^test-1-[0-9a-f]{8}-0$/);
    assert.ok(said(/^launch app-tier-instances 1-2: 2 requests are waiting/));
    assert.equal(loop.decisions.length, 1);
  });

  it('launches for pressure that the queue does not show yet', async () => {
    await pressure.begin('r', 'a.jpg');
    start();
    await until('an instance', () => fleet.alive.length === 1);
  });

  it('launches nothing twice while EC2’s list lags', async () => {
    fleet.lags = true;
    await Promise.all(['a', 'b', 'c', 'd'].map((body) => requests.send(body)));
    start();
    await until('three instances', () => fleet.alive.length === 3);
    await someTicks();
    fleet.unlisted.clear();
    await someTicks();
    assert.deepEqual(fleet.numbers, [1, 2, 3]);
  });

  it('backs off when EC2 has no capacity, says so, and tries again', async () => {
    fleet.refusals.push(awsError('InsufficientInstanceCapacity', 500));
    await requests.send('a');
    start();
    await until('the refusal', () => said(/app-tier-instance-1: launch failed \(EC2 refused\)/));
    assert.match(said(/launch failed/)?.err?.message ?? '', /InsufficientInstanceCapacity/);
    await someTicks();
    assert.equal(fleet.tokens.length, 1, 'it waits');
    clock += 1500;
    await until('the instance', () => fleet.alive.length === 1);
    assert.deepEqual(fleet.numbers, [1]);
    assert.notEqual(fleet.tokens[0], fleet.tokens[1], 'a no is an answer: this is a new launch');
  });

  it('asks again with the same token when EC2 says that it is asked too often', async () => {
    fleet.refusals.push(awsError('RequestLimitExceeded', 503));
    await requests.send('a');
    start();
    await until('the failure', () =>
      said(/no answer, so it may have been launched\); backing off/),
    );
    assert.match(said(/launch failed/)?.err?.message ?? '', /RequestLimitExceeded/);
    clock += 1500;
    await until('the instance', () => fleet.alive.length === 1);
    assert.deepEqual(fleet.tokens, [fleet.tokens[0], fleet.tokens[0]]);
  });

  it('asks again with the same token when the answer is lost, so that one instance runs', async () => {
    fleet.lags = true;
    fleet.lostAnswers = 1;
    await requests.send('a');
    start();
    await until('the lost answer', () => said(/no answer, so it may have been launched/));
    clock += 1500;
    await until('the second try', () => fleet.tokens.length === 2);
    assert.equal(fleet.tokens[0], fleet.tokens[1]);
    assert.deepEqual(fleet.numbers, [1]);
  });

  it('drains an idle instance, waits for its word, terminates it and forgets its lease', async () => {
    const { id } = fleet.add(1);
    await leases.renew(id, idleLease);
    start();
    await until('the wish to drain', () => leases.renew(id, idleLease));
    await leases.renew(id, { ...idleLease, state: 'draining', inHand: 1 });
    await someTicks();
    assert.deepEqual(fleet.terminations, []);
    await leases.renew(id, { ...idleLease, state: 'drained' });
    await until('the end', () => fleet.alive.length === 0);
    await until('no lease', async () => (await leases.read([id])).size === 0);
    assert.deepEqual(fleet.terminations, [[id]]);
    assert.ok(said(/^drain app-tier-instance-1: the queue is empty/));
    assert.ok(said(/^terminate app-tier-instance-1: it has drained/));
  });

  it('terminates several in one call, and again when the call failed', async () => {
    const ids = [fleet.add(1).id, fleet.add(2).id];
    for (const id of ids) await leases.renew(id, { ...idleLease, state: 'drained' });
    fleet.terminateFails = true;
    start();
    await until('a second try', () => fleet.terminations.length > 1);
    fleet.terminateFails = false;
    clock += 2000;
    await until('the end', () => fleet.alive.length === 0);
    assert.ok(fleet.terminations.every((asked) => asked.length === 2));
  });

  it('leaves the fleet as it is while EC2 gives no list, and goes on after', async () => {
    fleet.listFails = true;
    await leases.renew(fleet.add(1).id, { ...idleLease, state: 'drained' });
    start();
    await until('the outage', () => said(/Cannot read the list of instances/));
    await someTicks();
    assert.equal(fleet.alive.length, 1);
    fleet.listFails = false;
    await until('the end', () => fleet.alive.length === 0);
    assert.equal(
      lines.filter(({ msg }) => /Cannot read the list of instances/.test(msg)).length,
      1,
    );
  });

  it('without Redis scales out by the queue alone and ends nobody', async () => {
    lead.given = 'alone';
    await leases.renew(fleet.add(1).id, { ...idleLease, state: 'drained' });
    await pressure.begin('r', 'a.jpg');
    await Promise.all([requests.send('a'), requests.send('b')]);
    start();
    await until('one more', () => fleet.alive.length === 2);
    await someTicks();
    assert.deepEqual([fleet.numbers, fleet.terminations], [[1, 2], []]);
  });

  it('does nothing as a standby, and takes over what is there', async () => {
    lead.given = 'standby';
    const { id } = fleet.add(1);
    await leases.renew(id, { ...idleLease, state: 'drained' });
    start();
    await until('many looks', () => lead.looks > 20);
    assert.equal(ticks, 0);
    lead.given = 'leader';
    await until('the orphan’s end', () => fleet.alive.length === 0);
  });

  it('forgets pressure that nothing accounts for, so that the fleet can go', async () => {
    const instances = [1, 2, 3].map((number) => fleet.add(number));
    const began = clock;
    await countOld(redis, keys, ['lost'], 16_000);
    start();
    await until('enough readings, then 16 s', async () => {
      for (const { id } of instances) await leases.renew(id, idleLease);
      if (ticks > 20) clock = began + 16_000;
      return (await pressure.read()).count === 0;
    });
    await until('the wish to drain', () => leases.renew(instances[0]?.id ?? '', idleLease));
  });

  it('a tick that fails does not end it', async () => {
    clockFails = true;
    start();
    await until(
      'failed ticks',
      () => lines.filter(({ msg }) => /A tick failed/.test(msg)).length > 2,
    );
    clockFails = false;
    await requests.send('a');
    await until('an instance', () => fleet.alive.length === 1);
  });

  it('resigns when it stops, but not while EC2 does not list what it launched', async () => {
    start();
    await someTicks(1);
    await loop.stop();
    assert.equal(lead.resigned, true);
    fleet.lags = true;
    await requests.send('a');
    start();
    await until('an instance', () => fleet.alive.length === 1);
    await loop.stop();
    assert.equal(lead.resigned, false);
    assert.equal(fleet.alive.length, 1, 'instances stay');
  });
});
