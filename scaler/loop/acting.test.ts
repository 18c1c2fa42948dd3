import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { ImitationSettings } from '../../local/ec2/fleet/imitation.ts';
import { until } from '../../test/condition.fixture.ts';
import { openStage, type Stage } from '../../test/stage.fixture.ts';
import { awsError } from './fleet.fixture.ts';

describe('acting on the local EC2', { timeout: 60_000 }, () => {
  let stage: Stage;
  afterEach(() => stage.close());

  async function open(
    settings: Record<string, unknown>,
    imitation?: ImitationSettings,
    waiting = 0,
  ): Promise<void> {
    stage = await openStage({ IDLE_SECONDS: 0, ...settings }, imitation, waiting);
  }
  const byType = async () =>
    Object.entries(
      Object.groupBy(await stage.up(), ({ type, spot }) => `${type}${spot ? ' spot' : ''}`),
    )
      .map(([type, list]) => `${list?.length} ${type}`)
      .sort();

  it('launches twenty in one call, each with its number at once and its name after', async () => {
    await open({ MAX_INSTANCES: 20 }, { LOCAL_EC2_LAG_SECONDS: 1 }, 20);
    await stage.upTo(20);
    await until('every name', async () => (await stage.up()).every(({ unnamed }) => !unnamed));
    const numbers = (await stage.up()).map(({ number }) => number);
    assert.deepEqual(
      numbers,
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
    assert.equal(stage.calls.get('RunInstances'), 1);
    assert.equal(stage.calls.get('CreateTags'), 20);
  });

  it('launches a few one by one, named at once', async () => {
    await open({ MAX_INSTANCES: 5 }, {}, 5);
    await stage.upTo(5);
    assert.deepEqual(
      [stage.calls.get('RunInstances'), stage.calls.get('CreateTags')],
      [5, undefined],
    );
    assert.ok((await stage.up()).every(({ unnamed }) => unnamed === false));
  });

  it('names what a dead scaler launched and did not name', async () => {
    await open({ MAX_INSTANCES: 8 });
    const place = { instanceType: 'c7i.large', subnetId: undefined, spot: false };
    await stage.fleet.launch({ numbers: [3, 4, 7], token: 'of the dead one', place });
    await until('every name', async () =>
      (await stage.fleet.list()).every(({ unnamed }) => !unnamed),
    );
    const named = () =>
      stage.loop.decisions
        .flatMap(({ actions }) => actions)
        .flatMap((action) => (action.kind === 'name' ? [action.number] : []));
    await until('the decision', () => named().length > 0);
    assert.deepEqual(named(), [3, 4, 7]);
    await stage.upTo(0);
  });

  it('takes what there is of the preferred type, all others of the next, and comes back', async () => {
    const types = { INSTANCE_TYPE: 'c7i.large,c6i.large', MAX_INSTANCES: 8 };
    await open(types, { LOCAL_EC2_CAPACITY: 'c7i.large=3' }, 8);
    await stage.upTo(8);
    assert.deepEqual(await byType(), ['3 c7i.large', '5 c6i.large']);
    assert.ok(stage.decided('launch', /; c6i.large, since c7i.large is refused$/));
    await stage.requests.purge();
    await stage.upTo(0);
    await until('all gone', async () => (await stage.fleet.list()).length === 0);
    stage.leap(120_000);
    await stage.requests.send('again');
    await stage.upTo(1);
    assert.deepEqual(await byType(), ['1 c7i.large']);
  });

  it('goes to the next subnet when one is full', async () => {
    const subnets = { SUBNET_ID: 'subnet-a,subnet-b', MAX_INSTANCES: 4 };
    await open(subnets, { LOCAL_EC2_CAPACITY: 'subnet-a=1' }, 4);
    await stage.upTo(4);
    assert.equal(new Set((await stage.up()).map(({ number }) => number)).size, 4);
  });

  it('takes on-demand instances while spot ones are refused for want of a role', async () => {
    await open({ SPOT: 'prefer', MAX_INSTANCES: 2 });
    const code = 'AuthFailure.ServiceLinkedRoleCreationNotPermitted';
    stage.refuse = (_action, input) =>
      'InstanceMarketOptions' in input ? awsError(code, 403) : undefined;
    for (const body of ['a', 'b']) await stage.requests.send(body);
    await stage.upTo(2);
    assert.deepEqual(await byType(), ['2 c7i.large']);
  });

  it('takes on-demand instances while there are no spot ones, if it may', async () => {
    await open({ SPOT: 'prefer', MAX_INSTANCES: 4 }, { LOCAL_EC2_CAPACITY: 'spot=2' }, 4);
    await stage.upTo(4);
    assert.deepEqual(await byType(), ['2 c7i.large', '2 c7i.large spot']);
  });

  it('stops idle ones into the warm pool, and starts them first', async () => {
    await open({ WARM_POOL: 2, MAX_INSTANCES: 4 }, { LOCAL_EC2_STOP_SECONDS: '0.2' }, 3);
    await stage.upTo(3);
    await stage.requests.purge();
    const atRest = () =>
      until('the pool', async () => {
        const list = await stage.fleet.list();
        return list.length === 2 && list.every(({ state }) => state === 'stopped') && list;
      });
    const pool = await atRest();
    const launches = stage.calls.get('RunInstances');
    await stage.requests.send('again');
    await stage.requests.send('and again');
    await stage.upTo(2);
    assert.deepEqual(
      (await stage.up()).map(({ id }) => id),
      pool.map(({ id }) => id),
    );
    assert.equal(stage.calls.get('RunInstances'), launches);
    // One, unless a tick fell between the two requests.
    assert.ok((stage.calls.get('StartInstances') ?? 0) <= 2);
    // Started again, they do not hear the wish of their earlier life: they serve until they are idle.
    const ids = pool.map(({ id }) => id);
    await until(
      'both at work',
      async () =>
        [...(await stage.leases.read(ids)).values()].filter(({ state }) => state === 'idle')
          .length === 2,
    );
    await stage.requests.purge();
    assert.deepEqual(
      (await atRest()).map(({ id }) => id),
      ids,
    );
  });

  it('replaces one that has hung, and never the busy one beside it', async () => {
    await open({ MAX_INSTANCES: 2 }, {}, 2);
    await stage.upTo(2);
    const [one, two] = await stage.up();
    const ids = [one!.id, two!.id];
    for (const id of ids) stage.behaviours.set(id, { silent: false, state: 'busy' });
    await until('both heard', async () => (await stage.leases.read(ids)).size === 2);
    await stage.moreTicks();
    stage.behaviours.set(two!.id, { silent: true, state: 'busy' });
    // As when it has ended by itself: a lease lasts for longer than this test.
    await stage.leases.forget(two!.id);
    stage.leap(20_000);
    await stage.moreTicks();
    assert.equal(stage.calls.get('TerminateInstances'), undefined, 'it has 30 s');
    await until('a replacement', async () => {
      stage.leap(200);
      return (await stage.up()).some(({ id }) => !ids.includes(id));
    });
    assert.deepEqual((await stage.up())[0]?.id, one!.id);
    assert.ok(stage.decided('terminate', /^it has been silent for/));
  });

  it('replaces one that never reports within its boot time', async () => {
    stage = await openStage({ MAX_INSTANCES: 1, BOOT_SECONDS: 60 }, {});
    stage.newborn.silent = true;
    await stage.requests.send('a');
    await stage.upTo(1);
    const [first] = await stage.up();
    await stage.moreTicks();
    stage.leap(50_000);
    await stage.moreTicks();
    assert.equal((await stage.up())[0]?.id, first!.id, 'it may still boot');
    stage.newborn.silent = false;
    stage.behaviours.set(first!.id, { silent: true, state: 'idle' });
    stage.leap(11_000);
    await until('another', async () => {
      const [up] = await stage.up();
      return up !== undefined && up.id !== first!.id;
    });
    assert.ok(stage.decided('terminate', /^it has not reported within 60 s of its launch$/));
  });

  it('replaces a spot instance that EC2 took', async () => {
    const market = { LOCAL_EC2_SPOT_INTERRUPTIONS: 7200, LOCAL_EC2_SPOT_NOTICE_SECONDS: 0.1 };
    await open({ SPOT: 'only', MAX_INSTANCES: 1 }, market, 1);
    const ids = new Set<string>();
    await until('three in turn', async () => {
      // A launch that was listed and is gone is believed for 5 s.
      stage.leap(200);
      const up = await stage.up();
      assert.ok(up.length <= 1);
      for (const { id, spot } of up) {
        assert.ok(spot);
        ids.add(id);
      }
      return ids.size >= 3;
    });
  });

  it('launches when what is stopped cannot be started', async () => {
    const failing = { LOCAL_EC2_FAILURES: 'StartInstances=1:InsufficientInstanceCapacity' };
    await open({ WARM_POOL: 1, MAX_INSTANCES: 1 }, failing, 1);
    const [first] = await until('one', async () => {
      const up = await stage.up();
      return up.length === 1 && up;
    });
    await stage.requests.purge();
    await until('the pool', async () => (await stage.fleet.list())[0]?.state === 'stopped');
    await stage.requests.send('again');
    await until('a new one', async () => {
      stage.leap(500);
      const [one] = await stage.up();
      return one !== undefined && one.id !== first?.id;
    });
  });
});
