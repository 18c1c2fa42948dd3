import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { connectRedis } from '../../cloud/redis/connection.ts';
import { type LocalRedis, startRedis } from '../../local/redis.ts';
import { silent } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import { post } from '../../test/form.fixture.ts';
import type { WebService } from '../service.ts';
import { type ApiFixture, match, openApiFixture, parsed } from './api.fixture.ts';

/** WAITING_CLIENTS=2000 makes as many as docs/reliability.md reports. */
const CLIENTS = Number(process.env.WAITING_CLIENTS ?? 200);
const WINDOW_MS = 2000;
/** Of a node at rest: pings, the relay, the probe of readiness. */
const AT_REST_A_SECOND = 20;

describe('clients that wait for a kept answer', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'elastic-face-wait-'));
  let server: LocalRedis;
  let redis: Redis;
  let stage: ApiFixture;
  let other: WebService;
  before(async () => {
    const searchPath = process.env.PATH ?? '';
    server = await startRedis({ folder, logFile: join(folder, 'redis.log'), searchPath });
    redis = connectRedis(server.url, 'test', silent);
    stage = await openApiFixture({ REDIS_URL: server.url });
    other = await stage.start();
  });
  after(async () => {
    await other.stop();
    await stage.close();
    redis.disconnect();
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  const commands = async (): Promise<number> =>
    Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))?.[1]);
  const send = async (): Promise<string> => {
    const headers = { Prefer: 'respond-async' };
    return parsed(await post(stage.url(), stage.form('wait.jpg'), { headers })).id;
  };
  const ask = async (id: string, wait: number, node?: WebService) => {
    const answer = await fetch(stage.url(`v1/recognitions/${id}?wait=${wait}`, node));
    return parsed({ text: await answer.text() }).status;
  };
  const listening = async (): Promise<number> =>
    Number((await redis.pubsub('NUMSUB', `${stage.keys}:kept`))[1]);

  it('cost a subscription a node, and are all told when it comes', async (t) => {
    if (server.kind !== 'redis-server') return t.skip('there is no redis-server on this machine');
    const id = await send();
    const waiting = Array.from({ length: CLIENTS }, (_, i) =>
      ask(id, 60, i % 2 === 0 ? other : undefined),
    );
    await until('both nodes to listen', async () => (await listening()) === 2);
    await until('all to be waiting', async () => {
      const before = await commands();
      await delay(200);
      return (await commands()) - before < AT_REST_A_SECOND;
    });
    const before = await commands();
    await delay(WINDOW_MS);
    const perSecond = ((await commands()) - before) / (WINDOW_MS / 1000);
    t.diagnostic(`${CLIENTS} waiting clients, ${perSecond.toFixed(0)} Redis commands a second`);
    assert.ok(perSecond < 2 * AT_REST_A_SECOND, `${perSecond} commands a second`);
    const [taken] = await stage.takeRequests(1);
    await stage.reply(taken!, { match: match('Paul') });
    assert.deepEqual([...new Set(await Promise.all(waiting))], ['done']);
    assert.equal(await listening(), 2);
  });

  it('are answered with what is known when their time is over or the node stops', async () => {
    const id = await send();
    assert.equal(await ask(id, 1), 'pending');
    const leaving = await stage.start();
    const waiting = ask(id, 60, leaving);
    await until('it to wait', async () => (await listening()) === 3);
    await leaving.stop();
    assert.equal(await waiting, 'pending');
    await stage.takeRequests(1);
  });

  it('are told that a photo is too late when its time is over', async () => {
    const hasty = await stage.start({ REQUEST_SECONDS: 1 });
    const id = await send();
    assert.equal(await ask(id, 30, hasty), 'failed');
    await stage.takeRequests(1);
    await hasty.stop();
  });
});
