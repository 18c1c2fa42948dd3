import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Activity } from './activity.ts';

function at() {
  let now = 1000;
  const activity = new Activity(() => now);
  return {
    activity,
    pass(ms: number) {
      now += ms;
    },
    told: () => `${activity.lease.state} ${activity.lease.forMs}`,
  };
}

it('from starting over idle and busy back to idle, each for as long as it lasts', () => {
  const { activity, pass, told } = at();
  pass(300);
  assert.equal(told(), 'starting 300');
  activity.ready();
  pass(20);
  assert.equal(told(), 'idle 20');
  activity.take();
  pass(5);
  activity.take();
  pass(5);
  assert.equal(told(), 'busy 10');
  activity.letGo(true);
  pass(5);
  assert.equal(told(), 'busy 15');
  activity.letGo(false);
  assert.equal(told(), 'idle 0');
  assert.deepEqual(activity.lease, { state: 'idle', forMs: 0, inHand: 0, finished: 1 });
});

it('draining shows above all else, has no way back, and is over only when that is said', () => {
  const { activity, pass, told } = at();
  activity.ready();
  activity.take();
  activity.drain();
  pass(7);
  activity.drain();
  activity.letGo(true);
  assert.equal(told(), 'draining 7');
  activity.drained();
  pass(3);
  activity.ready();
  assert.equal(told(), 'drained 3');
});

it('that starts again with other settings is starting, so that the scaler does not end it', () => {
  const { activity, told } = at();
  activity.ready();
  activity.take();
  activity.restart();
  assert.equal(told(), 'starting 0');
  activity.letGo(true);
  assert.equal(told(), 'starting 0');
  activity.drain();
  assert.equal(told(), 'draining 0', 'unless the scaler wants it to drain');
});
