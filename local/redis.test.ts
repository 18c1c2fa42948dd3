import assert from 'node:assert/strict';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { delimiter, join } from 'node:path';
import test, { after, describe } from 'node:test';
import { Redis } from 'ioredis';
import { until } from '../test/condition.fixture.ts';
import { temporaryFolder } from './cloud.fixture.ts';
import { freePort, type LocalRedis, type RedisOptions, startRedis } from './redis.ts';

const folder = temporaryFolder();
after(() => folder.remove());

const options: RedisOptions = {
  folder: join(folder.path, 'redis'),
  logFile: join(folder.path, 'redis.log'),
  searchPath: '',
};
const searchPath = process.env.PATH ?? '';
const installed = searchPath.split(delimiter).some((path) => {
  try {
    accessSync(join(path, 'redis-server'), constants.X_OK);
    return true;
  } catch {
    return false;
  }
});
const skipReal = installed ? false : 'redis-server is not installed on this machine';

/** What the services need of Redis, asked of each kind in the same words. */
function conforms(start: () => Promise<LocalRedis>): void {
  let redis: LocalRedis;
  let client: Redis;
  const open = async (): Promise<void> => {
    if (client) return;
    redis = await start();
    client = new Redis(redis.url);
    // One test stops the server under it.
    client.on('error', () => undefined);
    await client.flushdb();
  };
  after(async () => {
    client?.disconnect();
    await redis?.stop();
  });

  test('sorted sets give ids by their time, oldest first', async () => {
    await open();
    await client.zadd('pressure', 3, 'c', 1, 'a', 2, 'b');
    assert.equal(await client.zcard('pressure'), 3);
    assert.deepEqual(await client.zrange('pressure', '0', '0', 'WITHSCORES'), ['a', '1']);
    assert.equal(await client.zremrangebyscore('pressure', '-inf', '(3'), 2);
    assert.deepEqual(await client.zrange('pressure', '0', '-1'), ['c']);
  });

  test('SET NX PX gives a lock to one, until its time is over', async () => {
    await open();
    assert.equal(await client.set('lock', 'one', 'PX', 200, 'NX'), 'OK');
    assert.equal(await client.set('lock', 'two', 'PX', 200, 'NX'), null);
    await until('the lock to be free', async () => (await client.get('lock')) === null);
    assert.equal(await client.set('lock', 'two', 'PX', 5000, 'NX'), 'OK');
  });

  test('EVAL compares and changes at once', async () => {
    await open();
    const script =
      "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) else return 0 end";
    await client.set('mine', 'me');
    assert.equal(await client.eval(script, 1, 'mine', 'me', '5000'), 1);
    assert.equal(await client.eval(script, 1, 'mine', 'you', '5000'), 0);
    assert.ok((await client.pttl('mine')) > 1000);
  });

  test('hashes hold a lease', async () => {
    await open();
    await client.hset('lease', { state: 'idle', since: '5' });
    assert.equal(await client.hset('lease', 'state', 'busy'), 0);
    assert.deepEqual(await client.hgetall('lease'), { state: 'busy', since: '5' });
  });

  test('what is published reaches who subscribed', async () => {
    await open();
    const subscriber = new Redis(redis.url);
    const message = once(subscriber, 'message');
    await subscriber.subscribe('replies');
    assert.equal(await client.publish('replies', 'hello'), 1);
    assert.deepEqual(await message, ['replies', 'hello']);
    subscriber.disconnect();
  });

  test('it stops while clients are connected, and nothing answers after', async () => {
    await open();
    await redis.stop();
    const late = new Redis(redis.url, { lazyConnect: true, retryStrategy: () => null });
    late.on('error', () => undefined);
    await assert.rejects(late.connect());
  });
}

describe('Redis in this process', () => {
  conforms(() => startRedis(options));

  test('listens on loopback alone', async () => {
    const redis = await startRedis(options);
    const { port } = new URL(redis.url);
    const other = Object.values(networkInterfaces())
      .flat()
      .find((address) => address && !address.internal && address.family === 'IPv4');
    if (other) {
      // The port is free on every other address of this machine.
      const server = createServer().listen(Number(port), other.address);
      await once(server, 'listening');
      assert.equal((server.address() as AddressInfo).port, Number(port));
      server.close();
    }
    await redis.stop();
    assert.equal(redis.kind, 'memory');
  });
});

describe('redis-server from the PATH', { skip: skipReal }, () => {
  conforms(() => startRedis({ ...options, searchPath }));

  test('keeps what it holds over a restart', async () => {
    const first = await startRedis({ ...options, searchPath });
    assert.equal(first.kind, 'redis-server');
    const before = new Redis(first.url);
    await before.zadd('kept', 1, 'id');
    before.disconnect();
    await first.stop();
    const second = await startRedis({ ...options, searchPath });
    const after = new Redis(second.url);
    assert.deepEqual(await after.zrange('kept', '0', '-1'), ['id']);
    after.disconnect();
    await second.stop();
  });

  test('its death is reported, with where its log is', async () => {
    const redis = await startRedis({ ...options, searchPath });
    const client = new Redis(redis.url, { retryStrategy: () => null });
    client.on('error', () => undefined);
    const pid = Number(/process_id:(\d+)/.exec(await client.info('server'))?.[1]);
    process.kill(pid, 'SIGKILL');
    assert.match(await redis.died, /SIGKILL.*redis\.log/);
    client.disconnect();
  });

  test('one that cannot start is an error with its last words', async () => {
    const broken = { ...options, folder: join(folder.path, 'broken'), searchPath };
    mkdirSync(join(broken.folder, 'appendonlydir'), { recursive: true });
    writeFileSync(join(broken.folder, 'appendonlydir', 'appendonly.aof.manifest'), 'not one\n');
    await assert.rejects(startRedis(broken), /redis-server did not start.*REDIS_URL/s);
  });
});

describe('Redis that REDIS_URL names', () => {
  let other: LocalRedis | undefined;
  after(() => other?.stop());
  conforms(async () => {
    other = await startRedis(options);
    const redis = await startRedis({ ...options, url: other.url });
    assert.equal(redis.kind, 'external');
    // It belongs to somebody else, whose stop this stands for.
    return { ...redis, stop: () => other!.stop().catch(() => undefined) };
  });

  test("is left running by this stack's stop", async () => {
    const theirs = await startRedis(options);
    const ours = await startRedis({ ...options, url: theirs.url });
    await ours.stop();
    const client = new Redis(theirs.url);
    assert.equal(await client.ping(), 'PONG');
    client.disconnect();
    await theirs.stop();
  });

  test('is an error that names the address, without its password, when nothing answers', async () => {
    const url = `redis://:secret@127.0.0.1:${await freePort()}`;
    await assert.rejects(startRedis({ ...options, url }), (error: Error) => {
      assert.match(error.message, /REDIS_URL/);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  });
});
