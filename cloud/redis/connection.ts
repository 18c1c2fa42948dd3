/**
 * The connection to Redis. Commands fail within a second when Redis is unreachable, silent or refuses writes:
 * callers decide what to do then, and this file logs once what is wrong and once that it is over.
 */
import { Redis } from 'ioredis';
import { SettingsError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';

const COMMAND_TIMEOUT_MS = 1000;
const MOST_RECONNECT_DELAY_MS = 1000;
/**
 * A connection on which nothing answers for this long is left: a host that vanished, or a network that
 * drops packets, closes no socket, and TCP itself takes a quarter of an hour to notice.
 */
const SILENT_MS = 3000;
/** A connection without commands of its own asks this often whether the server is still there. */
const PING_MS = 1500;
const PROBE_MS = 1000;

/** Replies of a server that is reached but does not do its work; redis.io/docs: "Redis errors". */
const REFUSALS =
  /\b(READONLY|OOM|MISCONF|NOREPLICAS|MASTERDOWN|CLUSTERDOWN|CROSSSLOT|MOVED|NOPERM|NOAUTH)\b/;
/** After a failover the old primary is read-only; its name leads to the new one by now. */
const DEMOTED = /\b(READONLY|MASTERDOWN)\b/;

const CLUSTER_MODE =
  'REDIS_URL names a Redis in cluster mode, which is not supported: ' +
  'name one without it (in ElastiCache: cluster mode disabled).';

/** A client that knows whether Redis does its work. */
export class RedisConnection extends Redis {
  readonly #log: Logger;
  #unreachable = false;
  #refusal: string | undefined;
  #cluster = false;
  #probe: NodeJS.Timeout | undefined;
  #leftAt = Number.NEGATIVE_INFINITY;
  readonly #stopPinging: () => void;

  /**
   * Connects in the background and keeps reconnecting.
   * @param name shown by Redis's CLIENT LIST
   */
  constructor(url: string, name: string, log: Logger) {
    super(url, {
      connectionName: name,
      // RESP3 gains nothing here, and its HELLO fails for users whose ACL names single commands.
      protocol: 2,
      commandTimeout: COMMAND_TIMEOUT_MS,
      connectTimeout: COMMAND_TIMEOUT_MS,
      socketTimeout: SILENT_MS,
      maxRetriesPerRequest: 1,
      retryStrategy: (attempt) => Math.min(50 * attempt, MOST_RECONNECT_DELAY_MS),
      reconnectOnError: (error) => this.#onErrorReply(error),
    });
    this.#log = log;
    this.on('error', (err) => this.#onError(err));
    this.on('ready', () => this.#onReady());
    this.#stopPinging = pingOften(this);
  }

  override disconnect(reconnect = false): void {
    if (!reconnect) {
      this.#stopPinging();
      clearInterval(this.#probe);
    }
    super.disconnect(reconnect);
  }

  /** What keeps Redis from its work, in words; undefined when all is well. */
  get trouble(): string | undefined {
    if (this.#cluster) return 'Redis runs in cluster mode, which is not supported';
    if (this.#unreachable) return 'Redis cannot be reached';
    return this.#refusal && `Redis refuses commands (${this.#refusal})`;
  }

  /**
   * Resolves when Redis has answered, or is away: services go on without it.
   * @throws {SettingsError} when it is a Redis in cluster mode
   */
  async requireSupported(): Promise<void> {
    if (!(await this.#readClusterMode())) return;
    this.disconnect();
    throw new SettingsError(CLUSTER_MODE);
  }

  #onError(err: Error): void {
    if (!this.#unreachable) {
      this.#log.warn({ err }, 'Redis cannot be reached; continuing without it');
    }
    this.#unreachable = true;
  }

  #onReady(): void {
    if (this.#unreachable) this.#log.info('Redis is back');
    this.#unreachable = false;
    // A failover can lead to another server than the one that was looked at.
    void this.#readClusterMode().then((isCluster) => {
      if (isCluster && !this.#cluster) this.#log.error(CLUSTER_MODE);
      this.#cluster = isCluster;
    });
  }

  async #readClusterMode(): Promise<boolean> {
    const info = await this.info('cluster').catch(() => '');
    return /^cluster_enabled:1\b/m.test(info);
  }

  /** Called with every error that Redis replies. @returns whether to connect again */
  #onErrorReply(error: Error): boolean {
    const refusal = REFUSALS.exec(error.message)?.[1];
    if (refusal === undefined) return false;
    if (this.#refusal === undefined) {
      this.#log.warn({ reason: error.message }, 'Redis refuses commands; continuing without it');
      this.#probe = setInterval(() => void this.#tryWriting(), PROBE_MS);
    }
    this.#refusal = refusal;
    const now = performance.now();
    if (!DEMOTED.test(error.message) || now - this.#leftAt < PROBE_MS) return false;
    this.#leftAt = now;
    return true;
  }

  async #tryWriting(): Promise<void> {
    try {
      await this.set('elastic-face:write-probe', '1', 'PX', PROBE_MS);
    } catch {
      return;
    }
    clearInterval(this.#probe);
    if (this.#refusal !== undefined) this.#log.info('Redis takes commands again');
    this.#refusal = undefined;
  }
}

/** @param name shown by Redis's CLIENT LIST */
export function connectRedis(url: string, name: string, log: Logger): RedisConnection {
  return new RedisConnection(url, name, log);
}

/** A ping without an answer makes the client leave the connection: see SILENT_MS. */
function pingOften(redis: Redis): () => void {
  const timer = setInterval(() => {
    if (redis.status === 'ready') redis.ping().catch(() => {});
  }, PING_MS);
  return () => clearInterval(timer);
}

export interface Subscription {
  /** Resolves when messages are heard; rejects when it is closed before. */
  readonly heard: Promise<void>;
  /** Whether messages are heard now. */
  readonly isHearing: boolean;
  close(): void;
}

/**
 * Listens on a connection of its own: a subscribed one may do nothing else. It outlives outages, and
 * goes where the main connection goes: published on a new primary, nothing is heard on the old one.
 * @param onHearing called when messages are heard, at first and after each gap
 */
export function subscribe(
  redis: Redis,
  channel: string,
  onMessage: (body: string) => void,
  onHearing: () => void = () => {},
): Subscription {
  const { promise: heard, resolve, reject } = Promise.withResolvers<void>();
  heard.catch(() => {}); // A caller may only ask `isHearing`.
  const subscriber = redis.duplicate({
    maxRetriesPerRequest: null,
    commandTimeout: undefined,
    autoResubscribe: false,
  });
  let isHearing = false;
  const listen = async (): Promise<void> => {
    try {
      await subscriber.subscribe(channel);
    } catch {
      return; // Cut off: it subscribes again when it is back.
    }
    isHearing = true;
    resolve();
    onHearing();
  };
  const stopPinging = pingOften(subscriber);
  const follow = (): void => {
    if (isHearing) subscriber.disconnect(true);
  };
  subscriber.on('error', () => {}); // The main connection reports outages.
  subscriber.on('ready', () => void listen());
  subscriber.on('close', () => {
    isHearing = false;
  });
  subscriber.on('message', (_channel, body) => onMessage(body));
  redis.on('ready', follow);
  return {
    heard,
    get isHearing() {
      return isHearing;
    },
    close() {
      isHearing = false;
      stopPinging();
      redis.off('ready', follow);
      subscriber.disconnect();
      reject(new Error(`The subscription to ${channel} was closed.`));
    },
  };
}
