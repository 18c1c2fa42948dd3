import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { Redis } from 'ioredis';
import { until } from '../../condition.fixture.ts';
import { openLinks } from './links.ts';
import { openRedis } from './redis-pair.ts';

/** A pair of its own, whose stop leaves nothing behind however the test ends; skips where redis-server is missing. */
async function openPair(t: TestContext) {
  // A failing `t.after` keeps the later ones from running: this one runs all, the last one first.
  const closing = new AsyncDisposableStack();
  t.after(() => closing.disposeAsync());
  const folder = await mkdtemp(join(tmpdir(), 'elastic-face-pair-'));
  closing.defer(() => rm(folder, { recursive: true }));
  const { pair, port, password, stop } = await openRedis(folder);
  closing.defer(stop);
  if (pair === undefined || password === undefined) {
    t.skip('there is no redis-server on this machine');
    return undefined;
  }
  return { pair, port, password, closing };
}

it('Redis fails over to a read-only replica and back, and keeps what was written', {
  timeout: 60_000,
}, async (t) => {
  const opened = await openPair(t);
  if (opened === undefined) return;
  const { pair, port, password, closing } = opened;
  const links = await openLinks({ redisPort: port, awsPort: 1, webNodes: 1 });
  closing.defer(() => links.close());
  const redis = new Redis(links.own.port, '127.0.0.1', { password, connectTimeout: 1000 });
  redis.on('error', () => {});
  closing.defer(() => redis.disconnect());
  for (const round of ['there', 'back']) {
    await until('a write', async () => (await redis.set(round, '1').catch(() => '')) === 'OK');
    const next = await pair.failOver();
    await assert.rejects(redis.set('refused', '1'), /READONLY/);
    links.moveRedis(next);
    redis.disconnect(true);
    await until('a write', async () => (await redis.set('after', '1').catch(() => '')) === 'OK');
    assert.equal(await redis.get(round), '1');
  }
  assert.equal(pair.port, port);
  process.kill(pair.pid!, 'SIGKILL');
  await until('its next life', async () => (await redis.get('back').catch(() => '')) === '1');
  assert.equal(pair.ends.length, 1);
});

it('stops at once, also while a replica writes its first append-only file', {
  timeout: 60_000,
}, async (t) => {
  const opened = await openPair(t);
  if (opened === undefined) return;
  const { pair } = opened;
  await pair.failOver();
  const begun = performance.now();
  await pair.stop();
  const ms = Math.round(performance.now() - begun);
  assert.ok(ms < 3000, `it took ${ms} ms`);
  assert.deepEqual(
    pair.ends.map(({ how }) => how),
    ['code 0', 'code 0'],
  );
});
