import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../../test/condition.fixture.ts';
import { openStage } from '../../test/stage.fixture.ts';
import { lease, observation, running, START, Ticks } from '../decide/observation.fixture.ts';
import { demandOf } from '../decide/observation.ts';

const OLD = { count: 50, oldestAt: START - 3_600_000, recent: 0 };

describe('pressure of a Redis put back from an old copy', { timeout: 30_000 }, () => {
  it('launches nothing, and is forgotten', () => {
    const ticks = new Ticks();
    let healed: string[] = [];
    for (let seconds = 0; seconds <= 20 && healed.length === 0; seconds++) {
      const now = START + seconds * 1000;
      healed = ticks.see({ now, pressure: OLD });
      assert.ok(!healed.some((action) => action.startsWith('launch')));
    }
    assert.equal(healed.length, 1);
    assert.match(healed[0] ?? '', /^forget before/);
  });

  it('counts beside new requests at most as much as these', () => {
    const pressure = { ...OLD, count: 53, recent: 3 };
    const { depth } = observation({ visible: 3 });
    assert.equal(demandOf({ pressure, depth }).known, 6);
    assert.equal(demandOf({ pressure, depth: observation({}).depth }).known, 3);
  });

  it('is believed as far as SQS shows it, however old', () => {
    assert.equal(demandOf({ pressure: OLD, depth: observation({ visible: 50 }).depth }).known, 50);
    assert.equal(demandOf({ pressure: OLD, depth: undefined }).known, 50);
  });

  it('ends no instance by the reports of an earlier life', () => {
    const ticks = new Ticks();
    const instances = [running(1), running(2)];
    const leases = {
      'i-1': lease('drained', 1000, { silentMs: 40_000 }),
      'i-2': lease('busy'),
    };
    assert.deepEqual(ticks.see({ instances, leases, inFlight: 2 }), []);
    assert.deepEqual(
      ticks.see({
        now: START + 1000,
        instances,
        leases: { 'i-1': lease('busy'), 'i-2': lease('busy') },
        inFlight: 2,
      }),
      [],
    );
  });

  it('through the local EC2: nothing is launched, the busy one stays, a new request is served', async () => {
    const stage = await openStage({ MAX_INSTANCES: 5, IDLE_SECONDS: 60 }, {}, 1);
    try {
      const [busy] = await until('one', async () => {
        const up = await stage.up();
        return up.length === 1 && up;
      });
      stage.behaviours.set(busy!.id, { silent: false, state: 'busy' });
      await stage.flush();
      const old = Array.from({ length: 30 }, (_, i) => `old-${i}`);
      await stage.countOld(old, 3_600_000);
      const decided = stage.loop.decisions.length;
      await until('fifty ticks', () => stage.ticks > 50);
      assert.equal(stage.loop.decisions.length, decided);
      await stage.requests.send('new');
      await until('two', async () => (await stage.up()).length === 2);
      assert.deepEqual(
        (await stage.up()).map(({ number }) => number),
        [1, 2],
      );
      assert.equal(stage.calls.get('TerminateInstances'), undefined);
    } finally {
      await stage.close();
    }
  });
});
