import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { encodeRequest } from '../cloud/contract/messages.ts';
import { asideKey } from '../cloud/contract/names.ts';
import { silent } from '../test/cloud.fixture.ts';
import { until } from '../test/condition.fixture.ts';
import { startWorker, type WorkerService } from './service.ts';
import { type Bench, openBench, startDouble } from './worker.fixture.ts';

describe('what a worker makes of requests', { timeout: 120_000 }, () => {
  let bench: Bench;
  let worker: WorkerService;
  before(async () => {
    bench = await openBench({ MAX_RECEIVES: 2 });
    worker = await startWorker({
      // Less than the schema's least, so that a computation outlasts it within a test.
      settings: { ...bench.cloud.settings, VISIBILITY_SECONDS: 1 },
      instanceId: 'i-0',
      log: silent,
      inference: startDouble(bench.cloud.settings),
    });
  });
  after(async () => {
    await worker.stop();
    await bench.close();
  });

  const inBucket = async (): Promise<string[]> => {
    const { Contents } = await bench.cloud.clients.s3.send(
      new ListObjectsV2Command({ Bucket: bench.cloud.names.inBucket }),
    );
    return (Contents ?? []).map(({ Key }) => Key ?? '');
  };
  const photoOf = async (key: string): Promise<string> =>
    Buffer.from((await bench.photos.get(key)) ?? []).toString();

  it('thirty requests get each its own answer, one object each, and nothing is left over', async () => {
    const sent = await Promise.all(
      Array.from({ length: 30 }, (_, i) => bench.send(`many_${i}.jpg`, `face Person${i}`)),
    );
    for (const [i, one] of sent.entries()) {
      const outcome = await bench.reply(one);
      assert.ok('match' in outcome);
      assert.equal(outcome.match.name, `Person${i}`);
      const stored = await bench.results.find(one.file);
      assert.equal(stored?.requestId, one.id);
      assert.deepEqual(stored?.match, outcome.match);
    }
    await bench.atRest();
    assert.equal((await bench.hear()).length, 30);
  });

  for (const [what, text, reason, sentence] of [
    ['has no face', 'noface', 'no-face', /No face here/],
    ['is no image', 'notimage', 'image', /Not an image/],
    ['is missing from the bucket', undefined, 'missing', /not in the bucket/],
  ] as const) {
    it(`a photo that ${what} is refused once, without an output object`, async () => {
      const sent = await bench.send(`${reason}.jpg`, text);
      const outcome = await bench.reply(sent);
      assert.ok('refusal' in outcome);
      assert.equal(outcome.refusal.reason, reason);
      assert.match(outcome.refusal.message, sentence);
      await bench.atRest();
      assert.equal(await bench.results.find(sent.file), undefined);
      assert.equal((await bench.deadLetters.depth()).visible, 0);
    });
  }

  it('a photo that always kills the inference process ends as a dead letter, the others answered', async () => {
    const before = bench.computed().length;
    const sent = await Promise.all([
      bench.send('calm_1.jpg', 'face Ann'),
      bench.send('poison.jpg', 'crash'),
      bench.send('calm_2.jpg', 'face Bob'),
    ]);
    assert.ok('match' in (await bench.reply(sent[0])));
    assert.ok('match' in (await bench.reply(sent[2])));
    await until('the dead letter', async () => (await bench.deadLetters.depth()).visible === 1);
    const [letter] = await bench.deadLetters.receive({ most: 1, waitSeconds: 0 });
    assert.equal(JSON.parse(letter?.body ?? '{}').id, sent[1].id);
    await bench.deadLetters.delete(letter?.receipt ?? '');
    const told = await bench.reply(sent[1]);
    assert.ok('refusal' in told, 'its client hears of it and need not wait for its time limit');
    assert.equal(told.refusal.reason, 'failed');
    const whole = (await bench.hear()).find(({ id }) => id === sent[1].id);
    assert.deepEqual([whole?.deliveries, whole?.instance], [2, 'i-0']);
    const texts = bench.computed().slice(before);
    const times = (word: string) => texts.filter((text) => text.startsWith(word)).length;
    // Once more each where the first crash came in company, as whose doing it was is not seen then.
    assert.ok(times('crash') >= 2 && times('crash') <= 3);
    assert.ok(times('face') >= 2 && times('face') <= 4);
    await bench.atRest();
  });

  it('a message that nobody can read is not answered and ends as a dead letter', async () => {
    const replies = (await bench.hear()).length;
    await bench.requests.send('{"id":"not ours"}');
    await until('the dead letter', async () => (await bench.deadLetters.depth()).visible === 1);
    const [letter] = await bench.deadLetters.receive({ most: 1, waitSeconds: 0 });
    assert.equal(letter?.body, '{"id":"not ours"}');
    await bench.deadLetters.delete(letter?.receipt ?? '');
    assert.equal((await bench.hear()).length, replies);
  });

  it('a computation longer than the visibility timeout is delivered and computed once', async () => {
    const first = await bench.send('long.jpg', 'held long-gate');
    await until('the first to be in work', () => bench.computed().includes('held long-gate'));
    const waiting = await bench.send('waiting.jpg', 'face Waiting');
    await until('the second to be in hand', async () => {
      const { inFlight } = await bench.requests.depth();
      return inFlight === 2;
    });
    // Three visibility timeouts of trying to get hold of either of them.
    assert.deepEqual(await bench.requests.receive({ most: 10, waitSeconds: 3 }), []);
    writeFileSync(join(bench.folder, 'long-gate'), '');
    assert.ok('match' in (await bench.reply(first)));
    assert.ok('match' in (await bench.reply(waiting)));
    await bench.atRest();
    const texts = bench.computed();
    assert.equal(texts.filter((text) => text === 'held long-gate').length, 1);
    assert.equal(texts.filter((text) => text === 'face Waiting').length, 1);
  });

  it('a photo that was set aside is answered and moved to its file name', async () => {
    const sent = await bench.send('aside.jpg', 'face Ann', { aside: true });
    assert.ok('match' in (await bench.reply(sent)));
    await bench.atRest();
    assert.equal(await photoOf('aside.jpg'), 'face Ann');
    assert.equal(await bench.photos.get(asideKey(sent.id, sent.file)), undefined);
  });

  it('a refused photo that was set aside is moved as well', async () => {
    const sent = await bench.send('aside-no.jpg', 'noface', { aside: true });
    assert.ok('refusal' in (await bench.reply(sent)));
    await bench.atRest();
    assert.ok((await inBucket()).includes('aside-no.jpg'));
    assert.equal(await bench.photos.get(asideKey(sent.id, sent.file)), undefined);
  });

  it('a photo that was set aside never replaces that of an upload still under way', async () => {
    const holder = randomUUID();
    assert.equal(await bench.pressure.begin(holder, 'same.jpg'), true);
    await bench.photos.put('same.jpg', Buffer.from('face Holder'), 'image/jpeg');
    const second = await bench.send('same.jpg', 'face Second', { aside: true });
    const outcome = await bench.reply(second);
    assert.ok('match' in outcome && outcome.match.name === 'Second');
    await until(
      'the set-aside photo to be gone',
      async () => !(await bench.photos.get(asideKey(second.id, second.file))),
    );
    assert.equal(await photoOf('same.jpg'), 'face Holder');
    await bench.requests.send(
      encodeRequest({ id: holder, file: 'same.jpg', key: 'same.jpg', node: 'bench', sentAt: 1 }),
    );
    const first = await bench.reply({ id: holder, file: 'same.jpg' });
    assert.ok('match' in first && first.match.name === 'Holder');
    await bench.atRest();
  });
});
