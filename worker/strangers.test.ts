/** With UNKNOWN_NAME every request asks whether its person is known, and a stranger's object says that name. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import type { Ask } from '../cloud/contract/messages.ts';
import { silent } from '../test/cloud.fixture.ts';
import { startWorker } from './service.ts';
import { openBench, startDouble } from './worker.fixture.ts';

it('a stranger’s object has the name that is set, also where only text was asked for', {
  timeout: 60_000,
}, async (t) => {
  const bench = await openBench();
  const asked: Ask[] = [];
  const inference = startDouble(bench.cloud.settings);
  const compute = inference.compute.bind(inference);
  inference.compute = async (bytes, ask = {}) => {
    asked.push(ask);
    const computed = await compute(bytes, ask);
    if (!('match' in computed.outcome) || !ask.known) return computed;
    const known = computed.outcome.match.name !== 'Nobody';
    return { ...computed, outcome: { match: { ...computed.outcome.match, known } } };
  };
  const settings = { ...bench.cloud.settings, UNKNOWN_NAME: 'unknown' };
  const worker = await startWorker({ settings, instanceId: 'i-0', log: silent, inference });
  t.after(async () => {
    await worker.stop();
    await bench.close();
  });
  for (const [photo, name, line, ask] of [
    ['face Ada', 'Ada', 'Ada', {}],
    ['face Nobody', 'Nobody', 'unknown', {}],
    ['face Nobody', 'Nobody', 'unknown', { known: true, odds: 50 }],
  ] as const) {
    const sent = await bench.send('who.jpg', photo, ask);
    const outcome = await bench.reply(sent);
    assert.ok('match' in outcome);
    assert.equal(outcome.match.name, name, 'the message keeps the nearest person');
    const { Body } = await bench.cloud.clients.s3.send(
      new GetObjectCommand({ Bucket: bench.cloud.names.outBucket, Key: 'who' }),
    );
    assert.equal(await Body?.transformToString(), `who:${line}`);
  }
  assert.deepEqual(
    asked.map(({ known, odds }) => [known, odds]),
    [
      [true, undefined],
      [true, undefined],
      [true, 50],
    ],
  );
});
