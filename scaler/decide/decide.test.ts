import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decide } from './decide.ts';
import { startMemory } from './memory.ts';
import { lease, observation, running, START, settings, Ticks } from './observation.fixture.ts';
import { applyOutcomes } from './outcomes.ts';

const idle = (seconds: number) => lease('idle', seconds * 1000);

describe('scaling out', () => {
  it('launches one instance a request, from number 1', () => {
    assert.deepEqual(new Ticks().see({ visible: 3 }), ['launch 1', 'launch 2', 'launch 3']);
  });

  it('takes the larger of pressure and queue, counting what is in flight', () => {
    assert.equal(
      new Ticks().see({ visible: 1, pressure: { count: 2, oldestAt: START } }).length,
      2,
    );
    assert.equal(new Ticks().see({ visible: 1, inFlight: 2, pressure: { count: 1 } }).length, 3);
  });

  it('goes no further than the largest fleet', () => {
    assert.equal(new Ticks().see({ visible: 1000 }).length, settings.MAX_INSTANCES);
  });

  it('up to the threshold one instance serves all, so that no request waits for ever', () => {
    const ticks = new Ticks({ SCALE_OUT_THRESHOLD: 2 });
    assert.deepEqual(ticks.see({ visible: 2 }), ['launch 1']);
    assert.deepEqual(ticks.see({ now: START + 1000, visible: 2 }), []);
  });

  it('past the threshold there is one instance a request', () => {
    assert.deepEqual(new Ticks({ SCALE_OUT_THRESHOLD: 2 }).see({ visible: 3 }), [
      'launch 1',
      'launch 2',
      'launch 3',
    ]);
  });

  it('takes the lowest free numbers, and those of instances that shut down are not free yet', () => {
    const instances = [running(1), running(2, { state: 'shutting-down' }), running(4)];
    assert.deepEqual(new Ticks().see({ instances, visible: 4 }), ['launch 3', 'launch 5']);
  });

  it('counts stopped instances towards the largest fleet, though they do no work', () => {
    const instances = [running(1, { state: 'stopped' }), running(2, { state: 'stopping' })];
    assert.deepEqual(new Ticks().see({ instances, visible: 9 }), ['launch 3', 'launch 4']);
  });

  it('does not launch again what EC2 does not list yet', () => {
    const ticks = new Ticks();
    assert.equal(ticks.see({ visible: 2 }).length, 2);
    assert.deepEqual(ticks.see({ now: START + 1000, visible: 2 }), []);
    assert.deepEqual(ticks.see({ now: START + 2000, visible: 3 }), ['launch 3']);
  });

  it('believes a launch that was listed once, should the next list lack it', () => {
    const ticks = new Ticks();
    ticks.see({ visible: 1 });
    assert.deepEqual(ticks.see({ now: START + 1000, visible: 1, instances: [running(1)] }), []);
    assert.deepEqual(ticks.see({ now: START + 3000, visible: 1, instances: [] }), []);
    assert.deepEqual(ticks.see({ now: START + 9000, visible: 1, instances: [] }), ['inquire 1']);
    assert.deepEqual(ticks.see({ now: START + 14_000, visible: 1, instances: [] }), ['launch 1']);
  });

  it('gives a launch up that EC2 has not listed for 30 s', () => {
    const ticks = new Ticks();
    ticks.see({ visible: 1 });
    assert.deepEqual(
      ticks.see({ now: START + 29_000, visible: 1 }),
      ['inquire 1'],
      'it may have ended',
    );
    assert.deepEqual(ticks.see({ now: START + 31_000, visible: 1 }), ['inquire 1']);
    assert.deepEqual(ticks.see({ now: START + 36_000, visible: 1 }), ['launch 1']);
  });

  it('asks again with the same token when it is not known whether EC2 launched', () => {
    const ticks = new Ticks();
    ticks.ec2 = 'nothing';
    ticks.see({ visible: 1 });
    assert.deepEqual(ticks.see({ now: START + 500, visible: 1 }), [], 'it backs off first');
    const { actions } = decide(
      observation({ now: START + 1500, visible: 1 }),
      ticks.settings,
      ticks.memory,
    );
    assert.deepEqual(
      actions.map((action) => action.kind === 'launch' && [action.number, action.nonce]),
      [[1, 'seed-0']],
    );
  });

  it('does not hold a number for a launch that EC2 refused', () => {
    const ticks = new Ticks();
    ticks.ec2 = 'no';
    ticks.see({ visible: 1 });
    assert.deepEqual(ticks.memory.launches, []);
    assert.deepEqual(ticks.see({ now: START + 999, visible: 1 }), []);
    assert.deepEqual(ticks.see({ now: START + 1000, visible: 1 }), ['launch 1']);
  });

  it('replaces an instance that drains, within the largest fleet', () => {
    const instances = [running(1), running(2)];
    const leases = { 'i-1': lease('draining'), 'i-2': lease('busy') };
    assert.deepEqual(new Ticks().see({ instances, leases, visible: 2 }), ['launch 3']);
    assert.deepEqual(new Ticks({ MAX_INSTANCES: 2 }).see({ instances, leases, visible: 2 }), []);
  });

  it('counts those that drain and those not listed yet together towards the largest fleet', () => {
    const ticks = new Ticks({ MAX_INSTANCES: 2 });
    const seen = { instances: [running(1)], leases: { 'i-1': lease('draining') } };
    assert.deepEqual(ticks.see({ ...seen, visible: 1 }), ['launch 2']);
    assert.deepEqual(ticks.see({ ...seen, visible: 2 }), []);
  });

  it('goes on by the queue alone while Redis is away', () => {
    const seen = { leases: 'unreadable', pressure: 'unreadable', visible: 2 } as const;
    assert.deepEqual(new Ticks().see({ instances: [running(1)], ...seen }), ['launch 2']);
  });
});

describe('scaling in', () => {
  const instances = [running(1), running(2), running(3)];

  it('asks those to drain that are idle for the set time, with an empty queue', () => {
    const leases = { 'i-1': idle(10), 'i-2': idle(9), 'i-3': lease('idle', 9600) };
    assert.deepEqual(new Ticks().see({ instances, leases }), ['drain 3', 'drain 1']);
  });

  it('asks nobody while anything is queued, in flight or under pressure', () => {
    const leases = { 'i-1': idle(99), 'i-2': idle(99), 'i-3': idle(99) };
    for (const work of [
      { visible: 1 },
      { inFlight: 1 },
      { pressure: { count: 1, oldestAt: START } },
    ]) {
      assert.deepEqual(new Ticks().see({ instances, leases, ...work }), []);
    }
  });

  it('asks nobody who is busy, starting or has anything in hand', () => {
    const leases = {
      'i-1': lease('busy', 99_000),
      'i-2': lease('starting', 99_000),
      'i-3': lease('idle', 99_000, { inHand: 1 }),
    };
    assert.deepEqual(new Ticks().see({ instances, leases }), []);
  });

  for (const [what, unread] of [
    ['the queue', { visible: 'unreadable' }],
    ['the pressure', { pressure: 'unreadable' }],
    ['the leases', { leases: 'unreadable' }],
    ['the instances', { instances: undefined }],
    ['everything', { visible: 'unreadable', pressure: 'unreadable', leases: 'unreadable' }],
  ] as const) {
    it(`does nothing when ${what} cannot be read`, () => {
      const leases = { 'i-1': idle(99), 'i-2': idle(99), 'i-3': idle(99) };
      assert.deepEqual(new Ticks().see({ instances, leases, ...unread }), []);
    });
  }

  it('waits for the word before it terminates, also when work is back', () => {
    const ticks = new Ticks();
    const one = [running(1)];
    const at = (seconds: number) => START + seconds * 1000;
    assert.deepEqual(ticks.see({ instances: one, leases: { 'i-1': idle(10) } }), ['drain 1']);
    const draining = { 'i-1': lease('draining') };
    assert.deepEqual(ticks.see({ now: at(1), instances: one, leases: draining }), []);
    const drained = { 'i-1': lease('drained') };
    assert.deepEqual(ticks.see({ now: at(2), instances: one, leases: drained, visible: 1 }), [
      'terminate 1',
      'launch 2',
    ]);
    assert.deepEqual(ticks.see({ now: at(3), instances: one, leases: {}, visible: 1 }), []);
  });

  it('asks again at once when the wish, or the termination, could not be sent', () => {
    const ticks = new Ticks();
    const one = [running(1)];
    ticks.see({ instances: one, leases: { 'i-1': idle(10) } });
    const lost = { kind: 'drain-failed', instanceIds: ['i-1'] } as const;
    ticks.memory = applyOutcomes(ticks.memory, [lost], START);
    assert.deepEqual(ticks.see({ instances: one, leases: { 'i-1': idle(10) } }), ['drain 1']);
    const drained = { instances: one, leases: { 'i-1': lease('drained') } };
    assert.deepEqual(ticks.see(drained), ['terminate 1']);
    assert.deepEqual(ticks.see(drained), []);
    const failed = { kind: 'terminate-failed', instanceIds: ['i-1'] } as const;
    ticks.memory = applyOutcomes(ticks.memory, [failed], START);
    assert.deepEqual(ticks.see(drained), ['terminate 1']);
  });

  it('waits longer each time for one that may not be ended, which counts as gone all the while', () => {
    const ticks = new Ticks();
    const drained = { instances: [running(1)], leases: { 'i-1': lease('drained') }, visible: 1 };
    const refused = { kind: 'terminate-failed', instanceIds: ['i-1'], refused: true } as const;
    const tries: number[] = [];
    assert.deepEqual(ticks.see(drained), ['terminate 1', 'launch 2']);
    for (let second = 0; second < 1800; second++) {
      const now = START + second * 1000;
      if (second > 0) {
        const instances = [running(1), running(2)];
        const leases = { 'i-1': lease('drained'), 'i-2': lease('busy') };
        const actions = ticks.see({ now, instances, leases, inFlight: 1 });
        if (actions.length === 0) continue;
        assert.deepEqual(actions, ['terminate 1']);
      }
      tries.push(second);
      ticks.memory = applyOutcomes(ticks.memory, [refused], now);
    }
    const waits = tries.slice(1).map((second, index) => second - tries[index]!);
    assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]);
  });

  it('asks again when the wish was not heard, since Redis may have lost it', () => {
    const ticks = new Ticks();
    const one = [running(1)];
    const see = (seconds: number) =>
      ticks.see({ now: START + seconds * 1000, instances: one, leases: { 'i-1': idle(20) } });
    assert.deepEqual(see(0), ['drain 1']);
    assert.deepEqual(see(4), []);
    assert.deepEqual(see(6), ['drain 1']);
  });
});

describe('every decision', () => {
  it('says why, for each action and for the tick', () => {
    const { actions, reasons } = decide(observation({ visible: 9 }), settings, startMemory('s'));
    assert.match(reasons.join(), /9 requests are waiting .* threshold of 0: .* limited to 4/);
    assert.ok(actions.every(({ reason }) => reason.length > 0));
    const blind = decide(observation({ instances: undefined }), settings, startMemory('s'));
    assert.match(blind.reasons.join(), /list of instances is unreadable/);
  });
});
