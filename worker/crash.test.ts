import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startInterceptor } from './intercept.fixture.ts';
import { environmentOf, spawnWorker, type WorkerProcess } from './start.fixture.ts';
import { openBench } from './worker.fixture.ts';

/** The schema's least: the next worker gets the request when it has passed. */
const VISIBILITY_SECONDS = 5;

interface Strike {
  readonly at: string;
  readonly call: RegExp;
  readonly when: 'before' | 'after';
  /** What must have been done by then, and how often in the end. */
  readonly computed: number;
  readonly replies: number;
  readonly pressureThen: number;
}

const strikes: Strike[] = [
  {
    at: 'before the photo is fetched',
    call: /^GET \/\S+-in-bucket\//,
    when: 'before',
    computed: 1,
    replies: 1,
    pressureThen: 1,
  },
  {
    at: 'before the output object is written',
    call: /^PUT \/\S+-out-bucket\//,
    when: 'before',
    computed: 2,
    replies: 1,
    pressureThen: 1,
  },
  {
    at: 'between output object and reply',
    call: /^PUT \/\S+-out-bucket\//,
    when: 'after',
    computed: 1,
    replies: 1,
    pressureThen: 1,
  },
  {
    at: 'between reply and pressure',
    call: /^SendMessageBatch \S+-resp-queue/,
    when: 'after',
    computed: 1,
    replies: 2,
    pressureThen: 1,
  },
  {
    at: 'between pressure and deleting the message',
    call: /^DeleteMessageBatch \S+-req-queue/,
    when: 'before',
    computed: 1,
    replies: 2,
    pressureThen: 0,
  },
];

describe('a worker killed with -9', { timeout: 120_000, concurrency: 3 }, () => {
  for (const { at, call, when, computed, replies, pressureThen } of strikes) {
    it(`${at} loses nothing: computed ${computed === 1 ? 'once' : 'again'}, replies ${replies}`, async () => {
      const bench = await openBench({ VISIBILITY_SECONDS });
      const environment = environmentOf(bench);
      let first: WorkerProcess | undefined;
      const interceptor = await startInterceptor({
        target: environment.AWS_ENDPOINT_URL ?? '',
        call,
        when,
        strike: async () => {
          first?.child.kill('SIGKILL');
          await first?.exit;
        },
      });
      const sent = await bench.send('photo.jpg', 'face Ann');
      first = spawnWorker({ ...environment, AWS_ENDPOINT_URL: interceptor.url });
      await interceptor.struck;
      assert.equal((await bench.pressure.read()).count, pressureThen);
      assert.equal(await first.exit, 'SIGKILL');

      const second = spawnWorker(environment);
      await bench.atRest();
      assert.deepEqual(
        bench.computed(),
        Array.from({ length: computed }, () => 'face Ann'),
      );
      const heard = await bench.hear();
      assert.equal(heard.length, replies);
      for (const { id, outcome } of heard) {
        assert.equal(id, sent.id);
        assert.ok('match' in outcome && outcome.match.name === 'Ann');
      }
      assert.equal((await bench.results.find('photo.jpg'))?.requestId, sent.id);

      second.child.kill('SIGTERM');
      assert.equal(await second.exit, 0);
      await interceptor.close();
      await bench.close();
    });
  }

  it('while it moves a photo that was set aside loses no photo', async () => {
    for (const when of ['before', 'after'] as const) {
      const bench = await openBench({ VISIBILITY_SECONDS });
      const environment = environmentOf(bench);
      let first: WorkerProcess | undefined;
      const interceptor = await startInterceptor({
        target: environment.AWS_ENDPOINT_URL ?? '',
        call: /^PUT \/\S+-in-bucket\/aside\.jpg/,
        when,
        strike: async () => {
          first?.child.kill('SIGKILL');
          await first?.exit;
        },
      });
      await bench.send('aside.jpg', 'face Ann', { aside: true });
      first = spawnWorker({ ...environment, AWS_ENDPOINT_URL: interceptor.url });
      await interceptor.struck;
      const second = spawnWorker(environment);
      await bench.atRest();
      assert.equal(
        Buffer.from((await bench.photos.get('aside.jpg')) ?? []).toString(),
        'face Ann',
        when,
      );
      second.child.kill('SIGTERM');
      assert.equal(await second.exit, 0);
      await interceptor.close();
      await bench.close();
    }
  });
});
