/** Carries replies between web nodes over Redis pub/sub: one node drains a reply that another one waits for. */
import type { Redis } from 'ioredis';
import { type Subscription, subscribe } from './redis.ts';

export interface Relay {
  /** Hands a reply's body to its node. @returns whether that node was listening */
  pass(node: string, body: string): Promise<boolean>;
  /** Listens for this node's replies on a connection of its own. */
  listen(node: string, onReply: (body: string) => void): Promise<void>;
  close(): void;
}

export function openRelay(redis: Redis, keys: string): Relay {
  const channel = (node: string): string => `${keys}:replies:${node}`;
  let subscription: Subscription | undefined;
  return {
    async pass(node, body) {
      return (await redis.publish(channel(node), body)) > 0;
    },
    async listen(node, onReply) {
      subscription = subscribe(redis, channel(node), onReply);
      await subscription.heard;
    },
    close() {
      subscription?.close();
    },
  };
}
