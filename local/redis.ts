/**
 * Redis for one machine: the one in REDIS_URL, else redis-server where it is installed, else a
 * small one in this process. Knows nothing about what is kept in it.
 */
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import {
  attachSession,
  createRedisCommandExecutor,
  RedisServerState,
  SocketConnectionTransport,
} from 'js-redis-server/core';
import { withoutCredentials } from '../runtime/credentials.ts';
import { messageOf } from '../runtime/errors.ts';
import { LOOPBACK, LocalCloudError } from './endpoint.ts';
import { findProgram, spawnRedisServer } from './redis-server.ts';

export interface LocalRedis {
  readonly url: string;
  /** `external` is another's to stop; `memory` forgets all when it stops. */
  readonly kind: 'external' | 'redis-server' | 'memory';
  /** Resolves with the reason when it ends by itself; never for the other kinds. */
  readonly died: Promise<string>;
  stop(): Promise<void>;
}

export interface RedisOptions {
  readonly url?: string | undefined;
  /** Folder of the append-only file. */
  readonly folder: string;
  readonly logFile: string;
  /** Where `redis-server` is looked for: the value of PATH. */
  readonly searchPath: string;
}

/** Longest wait for redis-server to answer; loading a large append-only file takes a while. */
const START_MS = 20_000;
/** A port that was free may be taken before redis-server has it. */
const ATTEMPTS = 3;

const NEVER = new Promise<never>(() => undefined);

/** @throws {LocalCloudError} when the named Redis does not answer, or the found one does not start */
export async function startRedis(options: RedisOptions): Promise<LocalRedis> {
  if (options.url !== undefined) return external(options.url);
  const program = await findProgram('redis-server', options.searchPath);
  return program === undefined ? inMemory() : realServer(program, options);
}

async function external(url: string): Promise<LocalRedis> {
  try {
    await ping(url);
  } catch (cause) {
    throw new LocalCloudError(
      `Redis at ${withoutCredentials(url)} does not answer (${messageOf(cause)}). Start it, or unset REDIS_URL to have one started.`,
      { cause },
    );
  }
  return { url, kind: 'external', died: NEVER, stop: async () => undefined };
}

/** Put together from its parts, since the whole one listens on every network interface. */
async function inMemory(): Promise<LocalRedis> {
  const state = new RedisServerState({ databaseCount: 16 });
  const executor = createRedisCommandExecutor();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    attachSession(new SocketConnectionTransport(socket), { state, executor });
  });
  const port = await listenOnFreePort(server);
  return {
    url: `redis://${LOOPBACK}:${port}`,
    kind: 'memory',
    died: NEVER,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
      state.close();
    },
  };
}

async function realServer(program: string, options: RedisOptions): Promise<LocalRedis> {
  mkdirSync(options.folder, { recursive: true });
  mkdirSync(dirname(options.logFile), { recursive: true });
  let cause: unknown;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      return await startServer(program, await freePort(), options);
    } catch (error) {
      cause = error;
    }
  }
  const log = await readFile(options.logFile, 'utf8').catch(() => '');
  throw new LocalCloudError(
    `redis-server did not start (${messageOf(cause)}). Its last words, in ${options.logFile}: ${lastLine(log)}. Set REDIS_URL to use another Redis.`,
    { cause },
  );
}

async function startServer(
  program: string,
  port: number,
  { folder, logFile }: RedisOptions,
): Promise<LocalRedis> {
  const server = await spawnRedisServer(program, {
    bind: LOOPBACK,
    port: String(port),
    dir: folder,
    appendonly: 'yes',
    // The append-only file is enough.
    save: '',
    loglevel: 'warning',
    logfile: logFile,
  });
  let stopping = false;
  const exit = server.gone.then((how) => `redis-server ended (${how}); its log is ${logFile}`);
  const url = `redis://${LOOPBACK}:${port}`;
  const ended = new AbortController();
  void exit.then((how) => ended.abort(new LocalCloudError(how)));
  try {
    await untilReady(url, AbortSignal.any([ended.signal, AbortSignal.timeout(START_MS)]));
  } catch (error) {
    server.kill();
    throw error;
  }
  return {
    url,
    kind: 'redis-server',
    died: exit.then((how) => (stopping ? NEVER : how)),
    async stop() {
      stopping = true;
      server.stop();
      await exit;
    },
  };
}

/** @throws the signal's reason when it is over */
async function untilReady(url: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      return await ping(url);
    } catch {
      signal.throwIfAborted();
      await sleep(25);
    }
  }
}

/** Rejects unless a Redis answers there that has loaded its data. */
async function ping(url: string): Promise<void> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 2000,
    commandTimeout: 2000,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  // The rejection below says it.
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    await redis.ping();
  } finally {
    redis.disconnect();
  }
}

/** A port of loopback that nothing listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listenOnFreePort(server);
  server.close();
  await once(server, 'close');
  return port;
}

async function listenOnFreePort(server: Server): Promise<number> {
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) || 'none';
}
