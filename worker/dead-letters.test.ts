import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { type DeadLetter, openDeadLetters } from '../cloud/aws/sqs/dead-letters.ts';
import { encodeRequest, photoDigest } from '../cloud/contract/messages.ts';
import { NO_TRACING } from '../runtime/tracing/tracing.ts';
import { silent } from '../test/cloud.fixture.ts';
import { until } from '../test/condition.fixture.ts';
import { Activity } from './activity.ts';
import { InferenceStopped } from './errors.ts';
import { Consumer } from './requests/consume.ts';
import { startWorker } from './service.ts';
import { type Bench, openBench, startDouble } from './worker.fixture.ts';

const MAX_RECEIVES = 2;

describe('requests that cannot be answered', { timeout: 120_000 }, () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench({ MAX_RECEIVES });
  });
  after(() => bench.close());

  const withWorker = async (work: () => Promise<void>): Promise<void> => {
    const worker = await startWorker({
      settings: bench.cloud.settings,
      instanceId: 'i-0dead',
      log: silent,
      inference: startDouble(bench.cloud.settings),
    });
    try {
      await work();
    } finally {
      await worker.stop();
    }
  };
  const theLetter = async (): Promise<DeadLetter> => {
    const letters = openDeadLetters(bench.deadLetters);
    return until('a dead letter', async () => {
      for await (const [letter] of letters.pages()) {
        await letters.delete(letter!);
        return letter;
      }
      return undefined;
    });
  };
  /** What workers that die do to a message: it is received, and comes again. */
  const receiveInVain = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      const [message] = await bench.requests.receive({ most: 1, waitSeconds: 5 });
      await bench.requests.extend(message!.receipt, 0);
    }
  };

  it('leave a letter that says why, with the poison alone in the queue', async () => {
    await withWorker(async () => {
      const sent = await Promise.all([
        bench.send('well_1.jpg', 'face Ann'),
        bench.send('poison.jpg', 'crash'),
        bench.send('well_2.jpg', 'face Bob'),
      ]);
      for (const one of [sent[0], sent[2]]) assert.ok('match' in (await bench.reply(one)));
      const letter = await theLetter();
      assert.equal(letter.id, sent[1].id);
      assert.match(
        letter.reason,
        /inference process ended while computing this photo: killed by SIGKILL/,
      );
      assert.equal(letter.deliveries, MAX_RECEIVES);
      assert.equal(letter.worker, 'i-0dead');
      await bench.atRest();
      assert.deepEqual(await openDeadLetters(bench.deadLetters).all(), []);
    });
  });

  it('leave one at once when the answer can never be sent, and tell the client not to try again', async () => {
    await withWorker(async () => {
      const sent = await bench.send('unsendable.jpg', 'face A\uFFFE');
      const told = await bench.reply(sent);
      assert.ok('refusal' in told);
      const { reason, message, permanent } = told.refusal;
      assert.deepEqual([reason, permanent], ['failed', true]);
      assert.match(message, /sending it again ends in the same way/);
      const letter = await theLetter();
      assert.equal(letter.id, sent.id);
      assert.match(letter.reason, /InvalidMessageContents/);
      assert.equal(letter.deliveries, 1);
      await bench.atRest();
    });
  });

  it('leave one also when every worker that had them died without a word', async () => {
    const sent = await bench.send('fatal.jpg', 'face Fatal');
    await receiveInVain(MAX_RECEIVES);
    await withWorker(async () => {
      const told = await bench.reply(sent);
      assert.ok('refusal' in told);
      assert.equal(told.refusal.reason, 'failed');
      const letter = await theLetter();
      assert.equal(letter.id, sent.id);
      assert.match(letter.reason, /^Each of the 2 workers that received it/);
      await bench.atRest();
    });
    assert.ok(!bench.computed().includes('face Fatal'));
  });

  it('that were answered before, with only the deletion missing, are no dead letters', async () => {
    const sent = await bench.send('done.jpg', 'face Ann');
    await bench.results.put(sent.file, { requestId: sent.id, match: MATCH });
    await receiveInVain(MAX_RECEIVES);
    await withWorker(async () => {
      const told = await bench.reply(sent);
      assert.ok('match' in told);
      assert.equal(told.match.name, 'Earlier');
      await bench.atRest();
    });
    assert.deepEqual(await openDeadLetters(bench.deadLetters).all(), []);
  });

  it('are not made of one that was answered and only could not be deleted', async () => {
    const sent = await bench.send('kept.jpg', 'face Ann');
    await receiveInVain(MAX_RECEIVES - 1);
    let undeleted: string | undefined;
    let givenUp = false;
    const consumer = new Consumer({
      requests: {
        ...bench.requests,
        async delete(receipt) {
          undeleted = receipt;
          throw new Error('SQS is away');
        },
      },
      activity: new Activity(),
      inference: { isReady: true, ready: async () => undefined },
      outages: { away: [], allBack: async () => undefined },
      answer: async () => ({ outcome: { match: MATCH }, again: false, timings: {} }),
      giveUp: async () => {
        givenUp = true;
      },
      visibilitySeconds: 30,
      mostDeliveries: MAX_RECEIVES,
      tracing: NO_TRACING,
      log: silent,
    });
    consumer.start();
    const receipt = await until('the deletion to fail', () => undeleted);
    await consumer.drain();
    assert.equal(givenUp, false);
    await bench.requests.extend(receipt, 0);
    await bench.results.put(sent.file, { requestId: sent.id, match: MATCH });
    await withWorker(async () => {
      assert.ok('match' in (await bench.reply(sent)));
      await bench.atRest();
    });
    assert.deepEqual(await openDeadLetters(bench.deadLetters).all(), []);
  });

  it('are not answered with what another photo was called under the same request id', async () => {
    const [id, file] = [randomUUID(), 'same-id.jpg'];
    const mine = Buffer.from('face Mine');
    const digest = photoDigest(Buffer.from('face Other'));
    await bench.results.put(file, { requestId: id, digest, match: MATCH });
    await bench.photos.put(file, mine, 'image/jpeg');
    await bench.requests.send(
      encodeRequest({ id, file, key: file, digest: photoDigest(mine), node: 'bench', sentAt: 1 }),
    );
    await receiveInVain(1);
    await withWorker(async () => {
      const told = await bench.reply({ id, file });
      assert.ok('match' in told && told.match.name === 'Mine');
      await bench.atRest();
    });
  });

  it('are never answered with the name in another photo that took their place', async () => {
    const [id, file] = [randomUUID(), 'replaced.jpg'];
    await bench.photos.put(file, Buffer.from('face Other'), 'image/jpeg');
    await bench.pressure.begin(id, file);
    const digest = photoDigest(Buffer.from('face Mine'));
    await bench.requests.send(
      encodeRequest({ id, file, key: file, digest, node: 'bench', sentAt: Date.now() }),
    );
    await withWorker(async () => {
      const told = await bench.reply({ id, file });
      assert.ok('refusal' in told);
      assert.equal(told.refusal.reason, 'missing');
      await bench.atRest();
    });
    assert.equal(await bench.results.find(file), undefined);
  });

  it('are no dead letters when their workers were only taken away', async () => {
    const id = randomUUID();
    const body = encodeRequest({ id, file: 'a.jpg', key: 'a.jpg', node: 'bench', sentAt: 1 });
    await bench.requests.send(body);
    await receiveInVain(MAX_RECEIVES - 1);
    let answered = 0;
    const consumer = new Consumer({
      requests: bench.requests,
      activity: new Activity(),
      inference: { isReady: true, ready: async () => undefined },
      outages: { away: [], allBack: async () => undefined },
      answer: async () => {
        answered += 1;
        throw new InferenceStopped();
      },
      giveUp: async () => assert.fail('given up'),
      visibilitySeconds: 30,
      mostDeliveries: MAX_RECEIVES,
      tracing: NO_TRACING,
      log: silent,
    });
    consumer.start();
    await until('the last delivery to be cut short', () => answered > 0);
    await consumer.drain();
    const [again] = await bench.requests.receive({ most: 1, waitSeconds: 5 });
    assert.equal(again?.body, body);
    assert.ok(again.deliveries <= MAX_RECEIVES, `it counts anew: ${again.deliveries}`);
    await bench.requests.delete(again.receipt);
  });
});

const at: [number, number] = [1, 1];
const MATCH = {
  name: 'Earlier',
  distance: 0.5,
  box: [1, 2, 30, 40] as [number, number, number, number],
  probability: 0.99,
  landmarks: [at, at, at, at, at],
  nearest: [{ name: 'Earlier', distance: 0.5 }],
  width: 64,
  height: 64,
};
