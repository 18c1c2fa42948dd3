import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { liveHistorySchema, liveStateSchema } from '../web/live/state.ts';
import { openStream, type Stream } from '../web/live/stream.fixture.ts';
import { type SlowStack, startSlowStack } from './slow-stack.fixture.ts';

describe('the live view of a whole system', { timeout: 120_000 }, () => {
  let slow: SlowStack;
  let stream: Stream;
  before(async () => {
    slow = await startSlowStack(2, {
      MAX_INSTANCES: 2,
      IDLE_SECONDS: 1,
      LOCAL_EC2_BOOT_SECONDS: '2',
    });
    stream = await openStream(`${slow.stack.webUrl}/live`);
  });
  after(() => slow.stop());

  it('shows an instance from its launch to its end, what it did and why', async () => {
    await stream.next('state', (data) => liveStateSchema.parse(data).scaler === 'leader');
    const answered = slow.post();
    const seen: (string | undefined)[] = [undefined];
    const last = await stream.next('state', (data) => {
      const { instances, decisions } = liveStateSchema.parse(data);
      const state = instances[0]?.state;
      if (state !== seen.at(-1)) seen.push(state);
      return seen.includes('busy') && state === undefined && decisions.length > 0;
    });
    await answered;
    // Some last less than the second between two looks.
    assert.match(
      seen.join(' '),
      /^ pending (?:starting )?(?:idle )?busy (?:idle )?(?:(?:draining|drained|stopping) )+$/,
    );
    const state = liveStateSchema.parse(last.data);
    assert.deepEqual(state.decisions.map(({ what }) => what).slice(-2), [
      'drain app-tier-instance-1',
      'launch app-tier-instance-1',
    ]);
    assert.match(state.decisions.at(-1)?.reason ?? '', /^1 request/);
    assert.equal(state.answers.perSecond, 1 / 60);
    assert.ok((state.answers.p50 ?? 0) > 2);
  });

  it('has kept the history when somebody comes later, and names no photo', async () => {
    const later = await openStream(`${slow.stack.webUrl}/live`);
    const { data, text } = await later.next('history');
    const { points } = liveHistorySchema.parse(data);
    assert.ok(points.length > 5);
    assert.ok(points.some(({ booting }) => booting === 1));
    assert.ok(points.some(({ inWork, serving }) => inWork === 1 && serving === 1));
    assert.equal(
      points.reduce((sum, { answered }) => sum + answered, 0),
      1,
    );
    const { text: state } = await later.next('state');
    assert.doesNotMatch(text + state, /\.jpe?g/);
    later.leave();
  });
});
