/** KEDA's own SQS scaler, asked for the numbers of the embedded cloud as the manifests set it up. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
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
import { whyNoGo } from '../container/go.fixture.ts';
import { buildScaler } from './keda.fixture.ts';
import { type KubernetesObject, kustomization, objects, settings } from './manifests.fixture.ts';

const answerSchema = z.strictObject({
  metric: z.string(),
  region: z.string(),
  value: z.number(),
  target: z.number(),
  active: z.boolean(),
});
const scaledSchema = z.looseObject({
  spec: z.looseObject({
    triggers: z.tuple([z.looseObject({ metadata: z.record(z.string(), z.string()) })]),
  }),
});

function withTrigger(object: KubernetesObject, trigger: Readonly<Record<string, string>>) {
  const scaled = scaledSchema.parse(object);
  Object.assign(scaled.spec.triggers[0].metadata, trigger);
  return scaled;
}

/** What a cluster holds for KEDA: the objects of base/ in their namespace, and their settings. */
function clusterWith(trigger: Readonly<Record<string, string>>): string {
  const { namespace } = kustomization;
  const configMap: KubernetesObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'settings' },
    data: settings,
  };
  const wanted = objects.filter(({ kind, metadata }) =>
    kind === 'Deployment' ? metadata.name === 'worker' : /^(Scaled|Trigger)/.test(kind),
  );
  const documents = [configMap, ...wanted].map((object) => {
    const given = object.kind === 'ScaledObject' ? withTrigger(object, trigger) : object;
    return JSON.stringify({ ...given, metadata: { ...object.metadata, namespace } });
  });
  return documents.join('\n---\n');
}

describe('the SQS scaler of KEDA on the embedded cloud', {
  skip: whyNoGo('KEDA', 'compiles 1,500 Go packages the first time'),
  timeout: 3_600_000,
}, () => {
  const folder = temporaryFolder();
  const project = readSettings({}, settings);
  const name = cloudNames(project.PROJECT_ID).requestQueue;
  let system: Awaited<ReturnType<typeof startTestCloud>>;
  let program: string;
  before(async () => {
    program = buildScaler();
    system = await startTestCloud(folder.path);
    await provision(system.clients, project);
  });
  after(async () => {
    await system?.stop();
    folder.remove();
  });

  /** @param trigger replaces fields of the manifests' trigger */
  async function seen(trigger: Readonly<Record<string, string>> = {}) {
    const asked = Promise.withResolvers<string>();
    const child = execFile(
      program,
      ['worker', system.cloud.url],
      {
        env: {
          AWS_ACCESS_KEY_ID: 'local',
          AWS_SECRET_ACCESS_KEY: 'local',
          AWS_CONFIG_FILE: '/dev/null',
          AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
          HOME: folder.path,
        },
      },
      (error, stdout, stderr) =>
        error ? asked.reject(new Error(stderr, { cause: error })) : asked.resolve(stdout),
    );
    child.stdin?.end(clusterWith(trigger));
    return answerSchema.parse(JSON.parse(await asked.promise));
  }
  const value = async (trigger?: Readonly<Record<string, string>>) => (await seen(trigger)).value;

  it('finds queue, region and requests for each pod by the manifests, and needs no pod for an empty queue', async () => {
    assert.deepEqual(await seen(), {
      metric: `s0-aws-sqs-${name}`,
      region: project.AWS_REGION,
      value: 0,
      target: 10,
      active: false,
    });
  });

  it('counts what waits and what is in work, and needs a pod until the last request is answered', async () => {
    const { sqs } = system.clients;
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: name }));
    const Entries = ['a', 'b', 'c'].map((Id) => ({ Id, MessageBody: Id }));
    await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    assert.equal(await value(), 3);
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 2, VisibilityTimeout: 600 }),
    );
    assert.equal(Messages.length, 2);
    assert.equal(await value(), 3, 'one waits, two are in work');
    assert.equal(await value({ scaleOnInFlight: 'false' }), 1, 'without those in work');
    const last = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 1, VisibilityTimeout: 600 }),
    );
    const inWork = [...Messages, ...(last.Messages ?? [])];
    for (const [done, { ReceiptHandle }] of inWork.entries()) {
      const { value, active } = await seen();
      assert.deepEqual({ value, active }, { value: 3 - done, active: true });
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
    const { active } = await seen();
    assert.equal(active, false);
  });

  it('leaves out messages that are delayed, which no worker can receive yet', async () => {
    const { sqs } = system.clients;
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: name }));
    const Entries = ['a', 'b'].map((Id) => ({ Id, MessageBody: Id, DelaySeconds: 600 }));
    await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    const { value: now, active } = await seen();
    assert.deepEqual({ now, active }, { now: 0, active: false });
    assert.equal(await value({ scaleOnDelayed: 'true' }), 2);
  });

  it('says what is wrong with a queue that is not there', async () => {
    await assert.rejects(seen({ queueURLFromEnv: '', queueURL: 'none' }), /NonExistentQueue/);
  });
});
