/**
 * One look at the whole system from outside, through public AWS calls alone: what the course's grader
 * can see, and nothing it cannot.
 */

import {
  APP_TIER_PATTERN,
  countInstances,
  listKeys,
  WEB_TIER_PATTERN,
} from '../../cloud/aws/inspection.ts';
import { QueueError } from '../../cloud/aws/sqs/queue-address.ts';
import { openQueue, type QueueDepth } from '../../cloud/aws/sqs/queues.ts';
import type { Ec2Clients } from '../../cloud/ec2/client.ts';
import { messageOf } from '../../runtime/errors.ts';
import { WorkloadError } from '../errors.ts';

export interface GradedNames {
  readonly requestQueue: string;
  readonly replyQueue: string;
  readonly inBucket: string;
  readonly outBucket: string;
}

export type States = Readonly<Record<string, number>>;

/** What does not exist is undefined. */
export interface Observation {
  /** When the look began, in ms since 1970. */
  readonly at: number;
  /** Instances named `web-instance`, and those of the app tier, by state. */
  readonly web: States;
  readonly app: States;
  readonly requests: QueueDepth | undefined;
  readonly replies: QueueDepth | undefined;
  readonly inKeys: readonly string[] | undefined;
  readonly outKeys: readonly string[] | undefined;
}

/** @throws {WorkloadError} when AWS, or the local cloud, cannot be asked. */
export type Observe = () => Promise<Observation>;

export function openObserver(clients: Ec2Clients, names: GradedNames): Observe {
  const { sqs, s3, ec2 } = clients;
  return async () => {
    const at = Date.now();
    try {
      const [web, app, requests, replies, inKeys, outKeys] = await Promise.all([
        countInstances(ec2, WEB_TIER_PATTERN),
        countInstances(ec2, APP_TIER_PATTERN),
        depthOf(sqs, names.requestQueue),
        depthOf(sqs, names.replyQueue),
        listKeys(s3, names.inBucket),
        listKeys(s3, names.outBucket),
      ]);
      return { at, web, app, requests, replies, inKeys, outKeys };
    } catch (cause) {
      throw new WorkloadError(
        `Cannot reach AWS (${messageOf(cause)}): check --endpoint_url (or AWS_ENDPOINT_URL) and the credentials. If you mean the local cloud, start it first.`,
        { cause },
      );
    }
  };
}

async function depthOf(sqs: Ec2Clients['sqs'], name: string): Promise<QueueDepth | undefined> {
  try {
    const queue = await openQueue(sqs, name);
    return await queue.depth();
  } catch (error) {
    if (error instanceof QueueError) return undefined;
    throw error;
  }
}

/** Instances that are there or on their way: what counts against the largest fleet. */
export function fleetSize({ running = 0, pending = 0 }: States): number {
  return running + pending;
}

/** Messages in whatever state. */
export function messagesIn(depth: QueueDepth): number {
  return depth.visible + depth.inFlight + depth.delayed;
}
