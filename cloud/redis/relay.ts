/**
 * Carries replies between web nodes: one node receives a reply that another one waits for. A reply is
 * published and kept for a while, so that a node that missed it finds it when it subscribes again.
 */
import type { Redis } from 'ioredis';
import { type Subscription, subscribe } from './connection.ts';

/** A reply that was heard is kept for longer than it takes to notice that a connection is dead. */
const HEARD_MS = 30_000;

/**
 * A reply that is passed on again goes out as it is kept: it may say by now that its person was forgotten.
 * KEYS: the kept reply. ARGV: channel, body, ms to keep it when it was heard, and when not, whether again.
 */
const PASS = `
local body = ARGV[5] == '1' and redis.call('GET', KEYS[1]) or ARGV[2]
local heard = redis.call('PUBLISH', ARGV[1], body)
redis.call('SET', KEYS[1], body, 'PX', heard > 0 and ARGV[3] or ARGV[4])
return heard`;

export interface RelayedReply {
  /** The web node whose client waits. */
  readonly node: string;
  /** Of the request. */
  readonly id: string;
  readonly body: string;
  /** Whether it was passed on before. */
  readonly again?: boolean;
}

export interface Relay {
  /** Whether replies from other nodes are heard now. */
  readonly isHearing: boolean;
  /**
   * Hands a reply to its node, now or when it listens again.
   * @param keepMs for how long it may still be wanted
   * @returns whether the node was listening
   * @throws when Redis did not take it
   */
  pass(reply: RelayedReply, keepMs: number): Promise<boolean>;
  /**
   * Listens for this node's replies on a connection of its own.
   * @param onHearing called when replies are heard, at first and after each gap
   */
  listen(node: string, onReply: (body: string) => void, onHearing: () => void): Promise<void>;
  /** Whether a node listens now. */
  hears(node: string): Promise<boolean>;
  /** The kept replies to these requests, in no order. */
  find(ids: readonly string[]): Promise<string[]>;
  close(): void;
}

export function openRelay(redis: Redis, keys: string): Relay {
  const channel = (node: string): string => `${keys}:replies:${node}`;
  const keptKey = (id: string): string => `${keys}:relayed:${id}`;
  let subscription: Subscription | undefined;
  return {
    get isHearing() {
      return subscription?.isHearing ?? false;
    },
    async pass({ node, id, body, again = false }, keepMs) {
      const unheardMs = Math.ceil(keepMs);
      const times = [Math.min(HEARD_MS, unheardMs), unheardMs];
      const to = channel(node);
      const heard = await redis.eval(PASS, 1, keptKey(id), to, body, ...times, again ? 1 : 0);
      return Number(heard) > 0;
    },
    listen(node, onReply, onHearing) {
      subscription = subscribe(redis, channel(node), onReply, onHearing);
      return subscription.heard;
    },
    async hears(node) {
      const [, count] = (await redis.pubsub('NUMSUB', channel(node))) as [string, unknown];
      return Number(count) > 0;
    },
    async find(ids) {
      if (ids.length === 0) return [];
      const bodies = await redis.mget(ids.map(keptKey));
      return bodies.filter((body) => body !== null);
    },
    close() {
      subscription?.close();
    },
  };
}
