/** What requests leave in Redis, on a real redis-server: what a key takes is only known there. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Redis } from 'ioredis';
import { connectRedis } from '../cloud/redis.ts';
import { type LocalRedis, startRedis } from '../local/redis.ts';
import { silent } from '../test/cloud.fixture.ts';
import { type Answer, formBody, post } from '../test/form.fixture.ts';
import { type ApiStage, match, openApiStage } from './api/stage.fixture.ts';

const WEEK_SECONDS = 7 * 24 * 3600;
const REQUESTS_A_WEEK = 10_000_000;
const MOST_BYTES = 50 * 1024 * 1024;
const SAMPLE = 30;

describe('the memory that requests take in Redis', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'elastic-face-memory-'));
  let server: LocalRedis;
  let redis: Redis;
  let stage: ApiStage;
  before(async () => {
    const logFile = join(folder, 'redis.log');
    const searchPath = process.env.PATH ?? '';
    server = await startRedis({ url: undefined, folder, logFile, searchPath });
    redis = connectRedis(server.url, 'test', silent);
    stage = await openApiStage({ REDIS_URL: server.url });
  });
  after(async () => {
    await stage.close();
    redis.disconnect();
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  const keys = async (): Promise<string[]> => (await redis.keys('*')).sort();
  const postOne = (body: Buffer, headers: Record<string, string>, path = ''): Promise<Answer> =>
    post(stage.url(path), body, { headers: { 'X-Request-Id': randomUUID(), ...headers } });

  it('ten million a week, each with an id of its client’s, take under 50 MB', async (t) => {
    if (server.kind !== 'redis-server') return t.skip('there is no redis-server on this machine');
    const before = new Set(await keys());
    for (let i = 0; i < SAMPLE; i++) {
      const answer = postOne(stage.form(`photo_${i}.jpg`), {});
      const [taken] = await stage.takeRequests(1);
      await stage.reply(taken!, { match: match('Paul') });
      await stage.finish(taken!);
      assert.equal((await answer).status, 200);
    }
    let byteSeconds = 0;
    for (const key of await keys()) {
      if (before.has(key)) continue;
      const [bytes, ms] = [Number(await redis.memory('USAGE', key)), await redis.pttl(key)];
      assert.ok(ms > 0, `${key} ends by itself`);
      byteSeconds += bytes * (ms / 1000);
    }
    const atOnce = (byteSeconds / SAMPLE) * (REQUESTS_A_WEEK / WEEK_SECONDS);
    t.diagnostic(`${(atOnce / 1024 / 1024).toFixed(1)} MB at ten million requests a week`);
    assert.ok(atOnce < MOST_BYTES, `${atOnce} bytes`);
  });

  it('of which nothing can be taken in is none, also when the answer is asked for later', async () => {
    const before = await keys();
    const parts = Array.from({ length: 10 }, (_, i) => ({ fileName: `${i}.jpg`, bytes: 'x' }));
    const later = { Prefer: 'respond-async' };
    const { status, text, headers } = await postOne(formBody(parts), later, 'v1/recognitions');
    assert.equal(status, 200);
    assert.equal(headers['preference-applied'], undefined);
    const { status: outcome, photos } = JSON.parse(text);
    assert.deepEqual([outcome, photos.length], ['failed', 10]);
    assert.deepEqual(await keys(), before);
  });
});
