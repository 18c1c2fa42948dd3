import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import { DescribeInstancesCommand, RunInstancesCommand } from '@aws-sdk/client-ec2';
import {
  CreateMultipartUploadCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { sharedByClients } from '../cloud/aws/clients.ts';
import { cloudNames, instanceName, PROJECT_TAG } from '../cloud/contract/names.ts';
import { createEc2Clients, type Ec2Clients } from '../cloud/ec2/client.ts';
import { type Moto, missingMoto, startMoto } from '../local/moto.fixture.ts';
import { DestroyError, destroy, inventory, stackName } from './destroy.ts';

const REGION = 'us-east-1';
/** One that moto has from the start. */
const IMAGE = 'ami-12c6146b';

const ACCOUNT = '123456789012';
const SUFFIX = `${ACCOUNT}-${REGION}`;
/** One project has the stack's names of buckets, the other one the course's. */
const namesOf = (id: string) => cloudNames(id, id === 'one' ? SUFFIX : undefined);

/** As CloudFormation makes them: the buckets and queues of a project, and nothing that moto lacks. */
function template(id: string): string {
  const { inBucket, outBucket, peopleBucket, requestQueue } = namesOf(id);
  return JSON.stringify({
    Resources: {
      In: { Type: 'AWS::S3::Bucket', Properties: { BucketName: inBucket } },
      Out: { Type: 'AWS::S3::Bucket', Properties: { BucketName: outBucket } },
      People: { Type: 'AWS::S3::Bucket', Properties: { BucketName: peopleBucket } },
      Requests: { Type: 'AWS::SQS::Queue', Properties: { QueueName: requestQueue } },
    },
  });
}

describe('ending a project on AWS (moto)', { skip: await missingMoto(), timeout: 120_000 }, () => {
  let moto: Moto;
  let clients: Ec2Clients;
  let cloudFormation: CloudFormationClient;
  const said: string[] = [];
  const parts = () => ({
    clients,
    cloudFormation,
    say: (sentence: string) => void said.push(sentence),
    lookEveryMs: 20,
  });
  before(async () => {
    moto = await startMoto();
    const settings = { AWS_REGION: REGION, AWS_ENDPOINT_URL: moto.url };
    clients = createEc2Clients(settings);
    cloudFormation = new CloudFormationClient(sharedByClients(settings));
  });
  after(async () => {
    clients?.destroy();
    cloudFormation?.destroy();
    await moto?.stop();
  });

  const deploy = async (id: string): Promise<void> => {
    await cloudFormation.send(
      new CreateStackCommand({ StackName: stackName(id), TemplateBody: template(id) }),
    );
    const run = (name: string) =>
      clients.ec2.send(
        new RunInstancesCommand({
          ImageId: IMAGE,
          MinCount: 1,
          MaxCount: 1,
          TagSpecifications: [
            {
              ResourceType: 'instance',
              Tags: [
                { Key: 'Name', Value: name },
                { Key: PROJECT_TAG, Value: id },
              ],
            },
          ],
        }),
      );
    await run('web-instance');
    await run(instanceName(1));
    await run(instanceName(2));
    const { inBucket, outBucket, peopleBucket } = namesOf(id);
    await clients.s3.send(
      new PutBucketVersioningCommand({
        Bucket: inBucket,
        VersioningConfiguration: { Status: 'Enabled' },
      }),
    );
    for (const Body of ['old', 'new']) {
      await clients.s3.send(new PutObjectCommand({ Bucket: inBucket, Key: 'a.jpg', Body }));
    }
    await clients.s3.send(new PutObjectCommand({ Bucket: outBucket, Key: 'a', Body: 'a:Ann' }));
    await clients.s3.send(new CreateMultipartUploadCommand({ Bucket: outBucket, Key: 'half' }));
    await clients.s3.send(
      new PutObjectCommand({ Bucket: peopleBucket, Key: 'gallery/head.json', Body: '{}' }),
    );
  };

  const living = async (id: string): Promise<number> => {
    const { Reservations = [] } = await clients.ec2.send(
      new DescribeInstancesCommand({
        Filters: [
          { Name: `tag:${PROJECT_TAG}`, Values: [id] },
          { Name: 'instance-state-name', Values: ['pending', 'running', 'stopped'] },
        ],
      }),
    );
    return Reservations.flatMap(({ Instances = [] }) => Instances).length;
  };

  it('says what there is, and leaves nothing of it, and all of another project', async () => {
    await deploy('one');
    await deploy('two');
    assert.deepEqual(await inventory('one', parts()), [
      'the stack elastic-face-one (CREATE_COMPLETE)',
      '3 instance(s)',
      `the bucket one-in-bucket-${SUFFIX} with 1 object(s)`,
      `the bucket one-out-bucket-${SUFFIX} with 1 object(s)`,
      `the bucket one-people-bucket-${SUFFIX} with 1 object(s)`,
    ]);
    await destroy('one', parts());
    assert.deepEqual(await inventory('one', parts()), []);
    assert.equal(await living('one'), 0);
    assert.equal(await living('two'), 3);
    assert.equal((await inventory('two', parts())).length, 5);
    assert.ok(said.includes('Terminated 3 instance(s).'));
  });

  it('leaves alone the buckets of a stack with the same id in another region', async () => {
    // As S3 answers a client of this region; moto knows no regions of buckets.
    const redirects = createServer((_, response) => {
      response.writeHead(301, { 'Content-Type': 'application/xml' });
      response.end('<Error><Code>PermanentRedirect</Code><Message>elsewhere</Message></Error>');
    });
    await once(redirects.listen(0, '127.0.0.1'), 'listening');
    const { port } = redirects.address() as AddressInfo;
    const elsewhere = createEc2Clients({
      AWS_REGION: 'eu-west-1',
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    });
    const there = {
      ...parts(),
      clients: { ...clients, s3: elsewhere.s3, destroy: () => undefined },
    };
    assert.deepEqual(await inventory('two', there), (await inventory('two', parts())).slice(0, 2));
    elsewhere.destroy();
    redirects.close();
  });

  it('that was never there or is gone already does no harm', async () => {
    await destroy('never', parts());
    assert.ok(said.includes('There is no stack elastic-face-never.'));
  });

  it('a CloudFormation that cannot be asked is an error that says so, before anything is deleted', async () => {
    const away = new CloudFormationClient({
      ...sharedByClients({ AWS_REGION: REGION, AWS_ENDPOINT_URL: 'http://127.0.0.1:1' }),
      maxAttempts: 1,
    });
    await assert.rejects(inventory('two', { ...parts(), cloudFormation: away }), DestroyError);
    away.destroy();
    assert.equal(await living('two'), 3);
    const { Stacks } = await cloudFormation.send(
      new DescribeStacksCommand({ StackName: stackName('two') }),
    );
    assert.equal(Stacks?.length, 1);
  });
});
