import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  DeleteMessageCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
} from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { provision } from '../../cloud/aws/provision.ts';
import { cloudNames } from '../../cloud/contract/names.ts';
import { startTestCloud, temporaryFolder } from '../../local/cloud.fixture.ts';
import { readSettings } from '../../runtime/settings.ts';
import { settings } from './manifests.fixture.ts';

const attributesSchema = z.object({ Attributes: z.record(z.string(), z.coerce.number()) });

describe('the queue as KEDA asks for it', () => {
  const folder = temporaryFolder();
  const project = readSettings({}, settings);
  const name = cloudNames(project.PROJECT_ID).requestQueue;
  let system: Awaited<ReturnType<typeof startTestCloud>>;
  before(async () => {
    system = await startTestCloud(folder.path);
    await provision(system.clients, project);
  });
  after(async () => {
    await system.stop();
    folder.remove();
  });

  /** KEDA 2.21 sends the queue's name in place of its URL, and adds up the attributes that it asked for. */
  async function depth(...attributes: string[]): Promise<number> {
    const response = await fetch(system.cloud.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': 'AmazonSQS.GetQueueAttributes',
      },
      body: JSON.stringify({ QueueUrl: name, AttributeNames: attributes }),
    });
    const { Attributes } = attributesSchema.parse(await response.json());
    return attributes.reduce((sum, attribute) => sum + (Attributes[attribute] ?? Number.NaN), 0);
  }
  const waiting = 'ApproximateNumberOfMessages';
  const inWork = 'ApproximateNumberOfMessagesNotVisible';

  it('has what waits and what is in work, until the last request is answered', async () => {
    const { sqs } = system.clients;
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: name }));
    assert.equal(await depth(waiting, inWork), 0);
    const Entries = ['a', 'b', 'c'].map((Id) => ({ Id, MessageBody: Id }));
    await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    assert.equal(await depth(waiting, inWork), 3);
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 3, VisibilityTimeout: 600 }),
    );
    assert.equal(Messages.length, 3);
    assert.equal(await depth(waiting, inWork), 3);
    // Without scaleOnInFlight KEDA would end the pods that compute them.
    assert.equal(await depth(waiting), 0);
    for (const [done, { ReceiptHandle }] of Messages.entries()) {
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      assert.equal(await depth(waiting, inWork), 2 - done);
    }
  });
});
