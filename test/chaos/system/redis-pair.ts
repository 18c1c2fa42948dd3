/** Two Redis servers, one of them the primary, and the failover from one to the other and back. */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort, startRedis } from '../../../local/redis.ts';
import { findProgram, spawnRedisServer } from '../../../local/redis-server.ts';
import { ChaosError } from '../errors.ts';
import { type Running, type Supervised, supervise } from './processes.ts';

const LOOPBACK = '127.0.0.1';
/** For a replica to hold what its primary holds. */
const SYNC_MS = 5000;
/** For one to answer after its start. */
const START_MS = 10_000;
/** A port that was free may be taken before redis-server has it. */
const ATTEMPTS = 2;

export interface RedisPair {
  /** Of the primary. */
  readonly port: number;
  /** Of the primary; undefined while it is between two lives. */
  readonly pid: number | undefined;
  /** Lives of both that have ended. */
  readonly ends: Supervised['ends'];
  /**
   * The primary becomes a read-only replica of the other, which takes writes from now on.
   * @returns port of the new primary
   * @throws {ChaosError} when the other does not hold what the primary holds
   */
  failOver(): Promise<number>;
  stop(): Promise<void>;
}

export interface RunRedis {
  readonly port: number;
  /** Undefined where there is no redis-server: the one in this process has neither pid nor replica. */
  readonly pair: RedisPair | undefined;
  readonly password: string | undefined;
  stop(): Promise<void>;
}

/** The Redis of a run: the pair, else the one in this process. */
export async function openRedis(folder: string): Promise<RunRedis> {
  const own = join(folder, 'redis');
  mkdirSync(own, { recursive: true });
  const password = `secret-${randomUUID()}`;
  const program = await findProgram('redis-server', process.env.PATH ?? '');
  if (program !== undefined) {
    const pair = await startRedisPair(program, own, password);
    return { port: pair.port, pair, password, stop: () => pair.stop() };
  }
  const logFile = join(folder, 'logs', 'redis.log');
  const { url, stop } = await startRedis({ folder: own, logFile, searchPath: '' });
  return { port: Number(new URL(url).port), pair: undefined, password: undefined, stop };
}

interface Server {
  readonly port: number;
  readonly supervised: Supervised;
}

/** @throws {ChaosError} when one of the two does not start */
async function startRedisPair(
  program: string,
  folder: string,
  password: string,
): Promise<RedisPair> {
  const command = async (port: number, ...words: [string, ...string[]]): Promise<string> => {
    const redis = new Redis(port, LOOPBACK, {
      password,
      lazyConnect: true,
      connectTimeout: 1000,
      commandTimeout: 1000,
      retryStrategy: () => null,
    });
    redis.on('error', () => {}); // The command rejects with it.
    try {
      await redis.connect();
      return String(await redis.call(...words));
    } finally {
      redis.disconnect();
    }
  };
  const untilAnswers = async ({ port, supervised }: Server): Promise<void> => {
    const end = performance.now() + START_MS;
    for (;;) {
      const info = await command(port, 'INFO', 'server').catch(() => '');
      // Another process may have taken the port that was free.
      if (/^process_id:(\d+)/m.exec(info)?.[1] === String(supervised.pid)) return;
      const how = supervised.ends[0]?.how ?? (performance.now() > end ? 'it is too slow' : '');
      if (how !== '') throw new ChaosError(`redis-server at port ${port} did not start: ${how}.`);
      await delay(20);
    }
  };
  const start = async (name: string): Promise<Server> => {
    const own = join(folder, name);
    mkdirSync(own, { recursive: true });
    for (let attempt = 1; ; attempt++) {
      const port = await freePort();
      const supervised = await supervise(() => startServer(program, own, port, password));
      try {
        await untilAnswers({ port, supervised });
        return { port, supervised };
      } catch (error) {
        await supervised.stop();
        if (attempt === ATTEMPTS) throw error;
      }
    }
  };
  let primary = await start('first');
  let other = await start('second').catch(async (error: unknown) => {
    await primary.supervised.stop();
    throw error;
  });

  const follow = (follower: Server, leader: Server): Promise<string> =>
    command(follower.port, 'REPLICAOF', LOOPBACK, String(leader.port));
  const untilSame = async (): Promise<void> => {
    const end = performance.now() + SYNC_MS;
    for (;;) {
      const seen = await command(other.port, 'INFO', 'replication');
      const offset = /^slave_repl_offset:(\d+)/m.exec(seen)?.[1];
      const all = /^master_repl_offset:(\d+)/m.exec(
        await command(primary.port, 'INFO', 'replication'),
      )?.[1];
      if (/^master_link_status:up/m.test(seen) && offset === all) return;
      if (performance.now() > end) throw new ChaosError('The replica of Redis is behind.');
      await delay(20);
    }
  };
  return {
    get port() {
      return primary.port;
    },
    get pid() {
      return primary.supervised.pid;
    },
    get ends() {
      return [...primary.supervised.ends, ...other.supervised.ends];
    },
    async failOver() {
      // A restart makes it a primary of its own.
      await follow(other, primary);
      await untilSame();
      await command(other.port, 'REPLICAOF', 'NO', 'ONE');
      await follow(primary, other);
      [primary, other] = [other, primary];
      return primary.port;
    },
    async stop() {
      await Promise.all([primary.supervised.stop(), other.supervised.stop()]);
    },
  };
}

/** Appends every write, as a Redis does that should keep its data over a crash. */
function startServer(
  program: string,
  folder: string,
  port: number,
  password: string,
): Promise<Running> {
  return spawnRedisServer(program, {
    bind: LOOPBACK,
    port: String(port),
    dir: folder,
    appendonly: 'yes',
    save: '',
    requirepass: password,
    masterauth: password,
    // Its five seconds are for several replicas at once.
    'repl-diskless-sync-delay': '0',
    logfile: join(folder, 'redis.log'),
  });
}
