/** What requests leave in Redis, on a real redis-server: what a key takes is only known there. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Redis } from 'ioredis';
import type { Match } from '../cloud/contract/match.ts';
import { connectRedis } from '../cloud/redis/connection.ts';
import { type LocalRedis, startRedis } from '../local/redis.ts';
import { silent } from '../test/cloud.fixture.ts';
import { until } from '../test/condition.fixture.ts';
import { type Answer, formBody, post } from '../test/form.fixture.ts';
import { type ApiFixture, match, openApiFixture } from './api/api.fixture.ts';

const WEEK_SECONDS = 7 * 24 * 3600;
const REQUESTS_A_WEEK = 10_000_000;
const MOST_BYTES = 50 * 1024 * 1024;
const MOST_BYTES_KEPT = 100 * 1024 * 1024;
const SAMPLE = 30;
/** As long as a worker's. */
const PAUL: Match = {
  ...match('Paul'),
  distance: 0.5123,
  box: [12.34, 23.45, 134.56, 145.67],
  probability: 0.9987,
  landmarks: Array.from({ length: 5 }, (_, i) => [20.25 + i, 121.75 + i]),
  nearest: ['Paul', 'Angela', 'Bob'].map((name) => ({ name, distance: 0.5123 })),
};

describe('the memory that requests take in Redis', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'elastic-face-memory-'));
  let server: LocalRedis;
  let redis: Redis;
  let stage: ApiFixture;
  before(async () => {
    const logFile = join(folder, 'redis.log');
    const searchPath = process.env.PATH ?? '';
    server = await startRedis({ url: undefined, folder, logFile, searchPath });
    redis = connectRedis(server.url, 'test', silent);
    stage = await openApiFixture({ REDIS_URL: server.url });
  });
  after(async () => {
    await stage.close();
    redis.disconnect();
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  /** Bytes that Redis holds at a time, if each request leaves what these did. */
  const takenAtOnce = async (before: ReadonlySet<string>): Promise<number> => {
    let byteSeconds = 0;
    for (const key of await keys()) {
      if (before.has(key)) continue;
      const [bytes, ms] = [Number(await redis.memory('USAGE', key)), await redis.pttl(key)];
      assert.ok(ms > 0, `${key} ends by itself`);
      byteSeconds += bytes * (ms / 1000);
    }
    return (byteSeconds / SAMPLE) * (REQUESTS_A_WEEK / WEEK_SECONDS);
  };
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
    const atOnce = await takenAtOnce(before);
    t.diagnostic(`${(atOnce / 1024 / 1024).toFixed(1)} MB at ten million requests a week`);
    assert.ok(atOnce < MOST_BYTES, `${atOnce} bytes`);
  });

  it('ten million a week, each with its answer kept for an hour, take under 100 MB', async (t) => {
    if (server.kind !== 'redis-server') return t.skip('there is no redis-server on this machine');
    const before = new Set(await keys());
    for (let i = 0; i < SAMPLE; i++) {
      const later = { Prefer: 'respond-async' };
      await postOne(stage.form(`kept_${i}.jpg`), later, 'v1/recognitions');
      const [taken] = await stage.takeRequests(1);
      await stage.reply(taken!, { match: PAUL });
      await stage.finish(taken!);
    }
    const kept = async (): Promise<boolean> =>
      (await keys()).filter((key) => key.includes(':reply:')).length === SAMPLE;
    await until('every answer to be kept', kept);
    const atOnce = await takenAtOnce(before);
    t.diagnostic(`${(atOnce / 1024 / 1024).toFixed(1)} MB at ten million kept answers a week`);
    assert.ok(atOnce < MOST_BYTES_KEPT, `${atOnce} bytes`);
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
