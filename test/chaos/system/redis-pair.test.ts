import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { Redis } from 'ioredis';
import { until } from '../../condition.fixture.ts';
import { openLinks } from './links.ts';
import { openRedis } from './redis-pair.ts';

it('Redis fails over to a read-only replica and back, and keeps what was written', {
  timeout: 60_000,
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'elastic-face-pair-'));
  const { pair, port, password, stop } = await openRedis(folder);
  t.after(async () => {
    await stop();
    await rm(folder, { recursive: true });
  });
  if (pair === undefined || password === undefined) {
    t.skip('there is no redis-server on this machine');
    return;
  }
  const links = await openLinks({ redisPort: port, awsPort: 1, webNodes: 1 });
  t.after(() => links.close());
  const redis = new Redis(links.own.port, '127.0.0.1', { password, connectTimeout: 1000 });
  redis.on('error', () => {});
  t.after(() => redis.disconnect());
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
