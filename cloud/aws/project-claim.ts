/**
 * Which group of scalers, one Redis each, leads a project: a tag of the request queue, since scalers with
 * different Redis share nothing else. It may lag by seconds; its holder renews it.
 */
import { GetQueueUrlCommand, type SQSClient, UntagQueueCommand } from '@aws-sdk/client-sqs';
import { queueCalls } from './fast-aws-calls.ts';

const TAG = 'elastic-face:scaler';

export interface Claim {
  /** Of the scalers that share one Redis. */
  readonly group: string;
  /** When this claim was made, in ms since 1970: of two at once the earlier one stands. */
  readonly since: number;
  /** Changes with every renewal. */
  readonly beat: number;
}

export interface ProjectClaim {
  /** Undefined when there is none, or none that can be read. */
  read(): Promise<Claim | undefined>;
  write(claim: Claim): Promise<void>;
  clear(): Promise<void>;
}

export function openProjectClaim(sqs: SQSClient, queue: string): ProjectClaim {
  const calls = queueCalls(sqs);
  let url: Promise<string | undefined> | undefined;
  const queueUrl = async (): Promise<string | undefined> => {
    url ??= sqs.send(new GetQueueUrlCommand({ QueueName: queue })).then((one) => one.QueueUrl);
    try {
      return await url;
    } catch (error) {
      url = undefined;
      throw error;
    }
  };
  return {
    async read() {
      const { Tags } = await calls.tags({ QueueUrl: await queueUrl() });
      const match = /^([0-9a-f]+) (\d+) (\d+)$/.exec(Tags?.[TAG] ?? '');
      if (match === null) return undefined;
      return { group: match[1]!, since: Number(match[2]), beat: Number(match[3]) };
    },
    async write({ group, since, beat }) {
      const Tags = { [TAG]: `${group} ${Math.round(since)} ${beat}` };
      await calls.tag({ QueueUrl: await queueUrl(), Tags });
    },
    async clear() {
      await sqs.send(new UntagQueueCommand({ QueueUrl: await queueUrl(), TagKeys: [TAG] }));
    },
  };
}
