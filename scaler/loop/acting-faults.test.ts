import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { until } from '../../test/condition.fixture.ts';
import { openStage, type Stage } from '../../test/stage.fixture.ts';

describe('faults of machines and clocks, on the local EC2', { timeout: 60_000 }, () => {
  let stage: Stage;
  afterEach(() => stage.close());

  const launches = () => stage.loop.view().tally.launched;

  it('ends the idle ones beside one that EC2 does not terminate', async () => {
    stage = await openStage({ MAX_INSTANCES: 4, BOOT_SECONDS: 1, IDLE_SECONDS: 0 }, {}, 3);
    await stage.upTo(3);
    const locked = stage.addLocked(9);
    await stage.moreTicks();
    stage.leap(32_000);
    await until('a try', () => stage.decided('terminate', /^it has not reported/));
    await stage.requests.purge();
    await until('the others’ end', async () => {
      const list = await stage.fleet.list();
      return list.length === 1 && list[0]?.id === locked;
    });
    const from = stage.calls.get('TerminateInstances') ?? 0;
    await stage.moreTicks();
    assert.ok((stage.calls.get('TerminateInstances') ?? 0) <= from + 1, 'not at every tick');
  });

  for (const hours of [1, -1]) {
    it(`lets instances boot whose clock is ${hours} h behind the scaler’s`, async () => {
      stage = await openStage({ MAX_INSTANCES: 1, BOOT_SECONDS: 60 }, {});
      stage.leap(hours * 3_600_000);
      stage.newborn.silent = true;
      await stage.requests.send('a');
      await stage.upTo(1);
      const [first] = await stage.up();
      await stage.moreTicks();
      stage.leap(50_000);
      await stage.moreTicks();
      assert.equal((await stage.up())[0]?.id, first!.id);
      stage.leap(12_000);
      await until('its end', () => stage.decided('terminate', /^it has not reported within 60 s/));
    });
  }

  it('launches one fleet and then single ones while workers die at birth, and all others when one reports', async () => {
    stage = await openStage({ MAX_INSTANCES: 6, IDLE_SECONDS: 60 }, {}, 20);
    stage.newborn.dies = true;
    await until('the first deaths', () => stage.loop.view().backoff !== undefined);
    assert.equal(launches(), 6);
    // Ten minutes, by the scaler's clock.
    for (let second = 0; second < 600; second += 5) {
      stage.leap(5000);
      await stage.moreTicks();
      assert.ok((await stage.up()).length <= 1, 'one at a time');
    }
    const tried = launches();
    assert.ok(tried > 7 && tried <= 2 * 6 + 2, `${tried} launches`);
    const { backoff, closures } = stage.loop.view();
    assert.equal(backoff?.code, 'Client.InstanceInitiatedShutdown');
    assert.equal(closures.size, 0);
    assert.ok(stage.decided('inquire', /^it ended before it reported$/));
    stage.newborn.dies = false;
    stage.leap(600_000);
    await stage.upTo(6);
    assert.equal(stage.loop.view().backoff, undefined);
  });
});
