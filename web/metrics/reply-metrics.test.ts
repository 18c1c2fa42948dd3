import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Registry } from '@prometheus-io/client';
import type { ReplyMessage } from '../../cloud/contract/messages.ts';
import { replyMetrics } from './reply-metrics.ts';

const SENT_AT = 1_000_000;

/** @param afterMs from the request's way into the queue to its reply */
function count(replies: readonly Partial<ReplyMessage>[], afterMs = 0) {
  const registry = new Registry();
  const clock = { now: SENT_AT + afterMs };
  const { onReply, onSent } = replyMetrics([registry], () => clock.now);
  for (const reply of replies) {
    onReply({
      id: '6a1f0e8e-54cc-4b1c-8f3e-0a0a0a0a0a0a',
      file: 'a.jpg',
      node: 'web-1',
      outcome: { refusal: { reason: 'no-face', message: 'No face.' } },
      ...reply,
    });
  }
  const value = async (sample: string): Promise<number | undefined> => {
    const lines = (await registry.metrics()).split('\n');
    const line = lines.find((one) => one.startsWith(`${sample} `));
    return line === undefined ? undefined : Number(line.slice(sample.length));
  };
  return { value, onSent, clock };
}

const seconds = (stage: string): string =>
  `elastic_face_stage_duration_seconds_sum{stage="${stage}"}`;

describe('what the web tier counts of replies', () => {
  it('a stage’s time is that of its worker, and the rest of the way is the queue’s', async () => {
    const timings = {
      fetch: 20,
      wait: 30,
      decode: 5,
      detect: 40,
      embed: 50,
      match: 5,
      compute: 110,
    };
    const { value } = count([{ timings: { ...timings, write: 40 }, sentAt: SENT_AT }], 1700);
    assert.equal(await value(seconds('detect')), 0.04);
    assert.equal(await value(seconds('write')), 0.04);
    assert.equal(await value(seconds('queue')), 1.5);
    assert.equal(await value(seconds('compute')), undefined, 'its steps are there already');
  });

  it('of an answer that was only sent again no stage is counted', async () => {
    const { value } = count([{ timings: {}, sentAt: SENT_AT, deliveries: 2 }], 1700);
    assert.equal(await value(seconds('queue')), undefined);
    assert.equal(await value('elastic_face_redeliveries_total'), 1);
  });

  it('a step that nobody knows makes no label', async () => {
    const { value } = count([{ timings: { 'made-up': 5 } }]);
    assert.equal(await value(seconds('made-up')), undefined);
  });

  it('replies count by outcome, deliveries beyond the first as redeliveries', async () => {
    const { value } = count([
      { deliveries: 1 },
      {},
      { deliveries: 5, outcome: { refusal: { reason: 'failed', message: 'Tried too often.' } } },
    ]);
    assert.equal(await value('elastic_face_replies_total{outcome="no-face"}'), 2);
    assert.equal(await value('elastic_face_replies_total{outcome="failed"}'), 1);
    assert.equal(await value('elastic_face_redeliveries_total'), 4);
  });

  it('a clock that was set back gives no negative wait', async () => {
    const { value } = count([{ timings: { compute: 100 }, sentAt: SENT_AT }], -5000);
    assert.equal(await value(seconds('queue')), 0);
  });

  it('a photo’s size, and the time to store it, are counted on its way in', async () => {
    const { value, onSent } = count([]);
    onSent(100_000, 0.25);
    assert.equal(await value('elastic_face_photo_size_bytes_bucket{le="65536"}'), 0);
    assert.equal(await value('elastic_face_photo_size_bytes_bucket{le="262144"}'), 1);
    assert.equal(await value(seconds('store')), 0.25);
  });

  it('every model that answers is shown until it has not for ten minutes', async () => {
    const model = { backend: 'tensorflow', precision: 'float32', version: 'abc' };
    const { value, clock } = count([{ model }, { model: { ...model, precision: 'bfloat16' } }]);
    const shown = (precision: string): string =>
      `elastic_face_model_info{backend="tensorflow",precision="${precision}",version="abc"}`;
    assert.equal(await value(shown('float32')), 1);
    assert.equal(await value(shown('bfloat16')), 1);
    clock.now += 601_000;
    assert.equal(await value(shown('float32')), undefined);
  });
});
