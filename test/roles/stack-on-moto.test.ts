/** The template itself in moto's CloudFormation: made, updated and deleted, as far as moto goes. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation';
import { DescribeLaunchTemplateVersionsCommand } from '@aws-sdk/client-ec2';
import { sharedByClients } from '../../cloud/aws/clients.ts';
import { createEc2Clients, type Ec2Clients } from '../../cloud/ec2/client.ts';
import { destroy, inventory, stackName } from '../../deploy/destroy.ts';
import { type Moto, missingMoto, startMoto } from '../../local/moto.fixture.ts';
import {
  deleteRouteTables,
  REGION,
  type StackTemplate,
  stackInput,
  synthesized,
} from './stack-roles.fixture.ts';

const ID = 'demo';
/** moto makes a whole stack before it answers. */
const SILENCE_MS = 60_000;
const StackName = stackName(ID);
/** moto 5.2 leaves resources of these types out, and says nothing. */
const UNKNOWN_TO_MOTO = [
  'AWS::Budgets::Budget',
  'AWS::CloudWatch::Alarm',
  'AWS::EC2::EIPAssociation',
  'AWS::Logs::MetricFilter',
  'AWS::S3::BucketPolicy',
  'AWS::SNS::Subscription',
  'AWS::SNS::TopicPolicy',
  'AWS::SQS::QueuePolicy',
];

const skip =
  process.env.ROLES === 'full' ? await missingMoto() : 'takes a minute: set ROLES=full to run it';

describe('the stack in moto’s CloudFormation', { skip, timeout: 180_000 }, () => {
  let moto: Moto;
  let clients: Ec2Clients;
  let cloudFormation: CloudFormationClient;
  before(async () => {
    moto = await startMoto();
    const settings = { AWS_REGION: REGION, AWS_ENDPOINT_URL: moto.url };
    clients = createEc2Clients(settings);
    cloudFormation = new CloudFormationClient(sharedByClients(settings, undefined, SILENCE_MS));
  });
  after(async () => {
    clients?.destroy();
    cloudFormation?.destroy();
    await moto?.stop();
  });

  const input = (template: StackTemplate) => ({ StackName, ...stackInput(template) });
  const status = async (): Promise<string | undefined> => {
    const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
    return Stacks?.[0]?.StackStatus;
  };

  it('is made, but for the types that moto does not know', async (t) => {
    const template = await synthesized({ id: ID, plainHttp: true, email: 'ops@example.com' });
    await cloudFormation.send(new CreateStackCommand(input(template)));
    assert.equal(await status(), 'CREATE_COMPLETE');
    const { StackResources = [] } = await cloudFormation.send(
      new DescribeStackResourcesCommand({ StackName }),
    );
    const made = new Set(StackResources.map(({ LogicalResourceId }) => LogicalResourceId));
    const all = Object.entries(template.Resources);
    const left = all.filter(([id]) => !made.has(id)).map(([, { Type }]) => Type);
    t.diagnostic(`${made.size} of ${all.length} resources made; left out: ${left.join(', ')}`);
    assert.deepEqual([...new Set(left)].sort(), UNKNOWN_TO_MOTO);
  });

  it('is updated: the launch template gets a new version', async () => {
    const other = { id: ID, plainHttp: true, email: 'ops@example.com', workerType: 'c7i.large' };
    await cloudFormation.send(new UpdateStackCommand(input(await synthesized(other))));
    assert.equal(await status(), 'UPDATE_COMPLETE');
    const { StackResources = [] } = await cloudFormation.send(
      new DescribeStackResourcesCommand({ StackName }),
    );
    const id = StackResources.find(
      ({ ResourceType }) => ResourceType === 'AWS::EC2::LaunchTemplate',
    );
    const { LaunchTemplateVersions = [] } = await clients.ec2.send(
      new DescribeLaunchTemplateVersionsCommand({
        LaunchTemplateId: id?.PhysicalResourceId,
        Versions: ['$Latest'],
      }),
    );
    assert.equal(LaunchTemplateVersions[0]?.LaunchTemplateData?.InstanceType, 'c7i.large');
  });

  it('is destroyed with all that it made', async () => {
    await deleteRouteTables(clients.ec2);
    const parts = { clients, cloudFormation, say: () => undefined, lookEveryMs: 50 };
    await destroy(ID, parts);
    assert.deepEqual(await inventory(ID, parts), []);
  });
});
