/**
 * One set of queues: a name is one queue, whatever the region in a request's signature or in an
 * address, and names are listed in the order of their bytes. fauxqs keeps queues apart by region, but
 * makes a queue of another region's name in the place of the first.
 */
import type { BuildAppOptions } from 'fauxqs';

export type SqsStore = NonNullable<BuildAppOptions['stores']>['sqsStore'];

/** Called before queues are loaded. */
export function keepOneSetOfQueues(store: SqsStore): void {
  const byName = (address: string) => store.getQueueByName(nameOf(address));
  Object.assign(store, {
    getQueue: byName,
    getQueueByArn: (arn: string) => store.getQueueByName(lastPart(arn, ':')),
  });
}

export interface QueuePage {
  readonly names: readonly string[];
  readonly nextToken: string | undefined;
}

/** @param most undefined for all of the first thousand, which then are the only page, as with SQS */
export function pageOfNames(
  store: SqsStore,
  { prefix, most, token }: { prefix: string; most: number | undefined; token: string | undefined },
): QueuePage {
  const after = token === undefined ? '' : Buffer.from(token, 'base64').toString();
  // Names are ASCII, so that code units are bytes.
  const rest = [...store.allQueues()]
    .map(({ name }) => name)
    .filter((name) => name.startsWith(prefix) && name > after)
    .sort((a, b) => (a < b ? -1 : 1));
  const names = rest.slice(0, most ?? 1000);
  const more = most !== undefined && names.length < rest.length;
  return {
    names,
    nextToken: more ? Buffer.from(names.at(-1) ?? '').toString('base64') : undefined,
  };
}

/** The name of the queue at an address. */
export function nameOf(address: string): string {
  return lastPart(address, '/');
}

function lastPart(text: string, separator: string): string {
  return text.split(separator).filter(Boolean).at(-1) ?? '';
}
