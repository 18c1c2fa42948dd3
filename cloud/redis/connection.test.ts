import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { SettingsError } from '../../runtime/errors.ts';
import { startTcpProxy, type TcpProxy } from '../../test/chaos/system/links.ts';
import { silent } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import { connectRedis, type RedisConnection, subscribe } from './connection.ts';

const missing =
  spawnSync('redis-server', ['--version']).status === 0 ? false : 'redis-server is not installed';

async function startServer(...options: string[]): Promise<{ port: number; stop(): void }> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  const given = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', ...options];
  const child: ChildProcess = spawn('redis-server', given, { stdio: 'ignore', cwd: '/tmp' });
  await until('redis-server', () => answers(port));
  return { port, stop: () => void child.kill('SIGKILL') };
}

async function answers(port: number): Promise<boolean> {
  const redis = new Redis(port, '127.0.0.1', { lazyConnect: true, retryStrategy: () => null });
  redis.on('error', () => {});
  const isThere = await redis.ping().then(
    () => true,
    () => false,
  );
  redis.disconnect();
  return isThere;
}

describe('a connection to Redis', { skip: missing, timeout: 60_000 }, () => {
  let first: Awaited<ReturnType<typeof startServer>>;
  let second: Awaited<ReturnType<typeof startServer>>;
  let proxy: TcpProxy;
  let redis: RedisConnection;
  let lines: string[];

  before(async () => {
    [first, second] = await Promise.all([startServer(), startServer()]);
  });
  after(() => {
    first.stop();
    second.stop();
  });
  beforeEach(async (context) => {
    proxy = await startTcpProxy(first.port);
    lines = [];
    const log = pino(
      { level: 'info' },
      { write: (line: string) => void lines.push(JSON.parse(line).msg) },
    );
    redis = connectRedis(`redis://127.0.0.1:${proxy.port}`, 'test', log);
    await redis.ping();
    (context as { after(fn: () => unknown): void }).after(async () => {
      redis.disconnect();
      await proxy.close();
    });
  });

  it('that swallows bytes is left, and says so once', async () => {
    proxy.swallow();
    await until('an answer', () => redis.ping().catch(() => false), { everyMs: 200 });
    await until('the end of trouble', () => redis.trouble === undefined);
    assert.deepEqual(lines, ['Redis cannot be reached; continuing without it', 'Redis is back']);
  });

  it('that swallows bytes, as all new ones do, is trouble until that is over', async () => {
    proxy.swallowsNew = true;
    proxy.swallow();
    await until('trouble', () => redis.trouble === 'Redis cannot be reached');
    proxy.swallowsNew = false;
    await until('the end of trouble', () => redis.trouble === undefined);
  });

  it('whose subscriber swallows bytes hears again, without a command of anybody', async () => {
    const heard: string[] = [];
    let times = 0;
    const subscription = subscribe(
      redis,
      'news',
      (body) => heard.push(body),
      () => times++,
    );
    await subscription.heard;
    proxy.swallow();
    await until('a new subscription', () => times === 2 && subscription.isHearing);
    const other = connectRedis(`redis://127.0.0.1:${first.port}`, 'other', silent);
    await other.publish('news', 'hello');
    await until('the message', () => heard.length === 1);
    other.disconnect();
    subscription.close();
  });

  it('to a demoted server leaves it, with its subscribers, for where its name leads now', async () => {
    const subscription = subscribe(redis, 'news', () => {});
    await subscription.heard;
    const old = connectRedis(`redis://127.0.0.1:${first.port}`, 'old', silent);
    await old.replicaof('127.0.0.1', second.port);
    proxy.target = second.port;
    await assert.rejects(redis.set('key', 'value'), /READONLY/);
    assert.equal(redis.trouble, 'Redis refuses commands (READONLY)');
    await until('a write on the new primary', () => redis.set('key', 'value').catch(() => false));
    await until('the end of trouble', () => redis.trouble === undefined);
    const other = connectRedis(`redis://127.0.0.1:${second.port}`, 'other', silent);
    assert.equal(await other.get('key'), 'value');
    await until('a subscriber there', async () => (await other.publish('news', 'hello')) === 1);
    assert.deepEqual(lines.slice(0, 1), ['Redis refuses commands; continuing without it']);
    assert.equal(lines.filter((line) => line.startsWith('Redis refuses')).length, 1);
    assert.ok(lines.includes('Redis takes commands again'));
    await old.replicaof('NO', 'ONE');
    subscription.close();
    for (const one of [old, other]) one.disconnect();
  });

  it('to a full server is trouble until it takes writes again', async () => {
    execFileSync('redis-cli', ['-p', String(first.port), 'config', 'set', 'maxmemory', '1']);
    await assert.rejects(redis.set('key', 'value'), /OOM/);
    assert.equal(redis.trouble, 'Redis refuses commands (OOM)');
    execFileSync('redis-cli', ['-p', String(first.port), 'config', 'set', 'maxmemory', '0']);
    await until('the end of trouble', () => redis.trouble === undefined);
  });

  it('to a Redis in cluster mode is refused by name', async () => {
    const cluster = await startServer(
      '--cluster-enabled',
      'yes',
      '--cluster-config-file',
      `nodes-${process.pid}.conf`,
    );
    const refused = connectRedis(`redis://127.0.0.1:${cluster.port}`, 'test', silent);
    await assert.rejects(
      refused.requireSupported(),
      (error) => error instanceof SettingsError && /cluster mode/.test(error.message),
    );
    cluster.stop();
    await redis.requireSupported();
  });
});
