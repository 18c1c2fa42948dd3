/**
 * An account for one test: the synthesised stack, deployed into moto, with a judge before it, sessions for
 * each role, and another project beside it whose things nobody of this one may touch.
 */
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStackResourcesCommand,
} from '@aws-sdk/client-cloudformation';
import {
  CreateLaunchTemplateCommand,
  DescribeInstancesCommand,
  DescribeLaunchTemplateVersionsCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import { STSClient } from '@aws-sdk/client-sts';
import { sharedByClients } from '../../cloud/aws/clients.ts';
import { provision } from '../../cloud/aws/provision.ts';
import { cloudNames, PROJECT_TAG } from '../../cloud/contract/names.ts';
import { createEc2Clients, type Ec2Clients } from '../../cloud/ec2/client.ts';
import { stackName } from '../../deploy/destroy.ts';
import { operatorPolicies } from '../../deploy/operator-policies.ts';
import { type Moto, startMoto } from '../../local/moto.fixture.ts';
import { readSettings } from '../../runtime/settings.ts';
import type { LaunchTemplate, Surroundings } from './ec2-calls.fixture.ts';
import type { Things } from './forbidden-calls.fixture.ts';
import { iamOfMoto } from './iam.fixture.ts';
import { type Judge, startJudge } from './judge.fixture.ts';
import type { PolicyDocument } from './policy.fixture.ts';
import { type Sessions, startSessions } from './sessions.fixture.ts';
import {
  ACCOUNT,
  documentsOf,
  IMAGE,
  type PhysicalIds,
  REGION,
  type StackTemplate,
  stackInput,
  synthesized,
} from './stack-roles.fixture.ts';

export const ID = 'demo';
const FOREIGN = 'other';

export type RoleName = 'web' | 'worker' | 'provision' | 'doctor' | 'destroy';

export interface World {
  readonly judge: Judge;
  readonly sessions: Sessions;
  readonly things: Things;
  readonly template: StackTemplate;
  /** Resource types that moto's CloudFormation left out, by logical id. */
  readonly left: ReadonlyMap<string, string>;
  readonly subnets: readonly string[];
  readonly documents: ReadonlyMap<RoleName, readonly PolicyDocument[]>;
  /** With every right, and moto's own address. */
  readonly admin: Ec2Clients;
  readonly cloudFormation: CloudFormationClient;
  readonly motoUrl: string;
  /** Clients of a role's present session, before the judge or straight at moto. */
  clients(role: RoleName, at?: 'judge' | 'moto'): Promise<Ec2Clients>;
  close(): Promise<void>;
}

/** moto makes a whole stack before it answers. */
const SILENCE_MS = 60_000;

export async function openWorld(): Promise<World> {
  const moto = await startMoto();
  try {
    return await openParts(moto);
  } catch (error) {
    await moto.stop();
    throw error;
  }
}

async function openParts(moto: Moto): Promise<World> {
  // Not by a name of the loopback, where clients bring no credentials of their own.
  const motoUrl = moto.url.replace('127.0.0.1', '0.0.0.0');
  const open = { AWS_REGION: REGION, AWS_ENDPOINT_URL: moto.url };
  const early = createEc2Clients(open);
  // Its first answer is told: asked again, moto says only that the stack is there already.
  const earlyCloudFormation = new CloudFormationClient({
    ...sharedByClients(open, undefined, SILENCE_MS),
    maxAttempts: 1,
  });
  const template = await synthesized({ id: ID, plainHttp: true, bucketNames: 'course' });
  const ids = await deploy(earlyCloudFormation, template);
  const things = await neighbours(early, template, ids);
  const iam = iamOfMoto(moto.url);
  const documents = new Map<RoleName, readonly PolicyDocument[]>([
    ['web', documentsOf(template, 'RolesWebRole', ids)],
    ['worker', documentsOf(template, 'RolesWorkerRole', ids)],
    ...Object.entries(operatorPolicies(ID, REGION)).map(
      ([name, document]): [RoleName, readonly PolicyDocument[]] => [name as RoleName, [document]],
    ),
  ]);
  // moto's CloudFormation keeps policies in a form that its own IAM cannot read: the roles are made anew.
  const names: Readonly<Record<RoleName, string>> = {
    web: 'stack-web',
    worker: 'stack-worker',
    provision: 'operator-provision',
    doctor: 'operator-doctor',
    destroy: 'operator-destroy',
  };
  const profiles = await iam.profiles();
  for (const [role, own] of documents) await iam.putRole(names[role], own);
  const adminKey = await iam.makeAdministrator();
  await iam.requireSignatures();

  const signed = { AWS_REGION: REGION, AWS_ENDPOINT_URL: motoUrl };
  const admin = createEc2Clients(signed, adminKey);
  const cloudFormation = new CloudFormationClient(sharedByClients(signed, adminKey));
  const sts = new STSClient(sharedByClients(signed, adminKey));
  const sessions = await startSessions(
    sts,
    (role) => `arn:aws:iam::${ACCOUNT}:role/${names[role as RoleName]}`,
  );
  const judge = await startJudge({
    target: moto.url,
    around: surroundings(admin, profiles),
    session: sessions.session,
    documents: (role) => documents.get(role as RoleName) ?? [],
  });
  return {
    judge,
    sessions,
    things,
    template,
    left: new Map(
      Object.entries(template.Resources)
        .filter(([id]) => !ids.has(id))
        .map(([id, { Type }]) => [id, Type]),
    ),
    subnets: [...ids]
      .filter(([id]) => typeOf(template, id) === 'AWS::EC2::Subnet')
      .map(([, at]) => at),
    documents,
    admin,
    cloudFormation,
    motoUrl,
    async clients(role, at = 'judge') {
      const AWS_ENDPOINT_URL = at === 'judge' ? judge.url : motoUrl;
      return createEc2Clients(
        { AWS_REGION: REGION, AWS_ENDPOINT_URL },
        await sessions.credentials(role),
      );
    },
    async close() {
      for (const one of [early, earlyCloudFormation, admin, cloudFormation, sts]) one.destroy();
      await judge.close();
      await sessions.close();
      await moto.stop();
    },
  };
}

const typeOf = ({ Resources }: StackTemplate, id: string): string => Resources[id]?.Type ?? '';

async function deploy(client: CloudFormationClient, template: StackTemplate): Promise<PhysicalIds> {
  const StackName = stackName(ID);
  await client.send(new CreateStackCommand({ StackName, ...stackInput(template) }));
  const { StackResources = [] } = await client.send(
    new DescribeStackResourcesCommand({ StackName }),
  );
  return new Map(
    StackResources.map(({ LogicalResourceId = '', PhysicalResourceId = '' }) => [
      LogicalResourceId,
      PhysicalResourceId,
    ]),
  );
}

async function neighbours(
  clients: Ec2Clients,
  template: StackTemplate,
  ids: PhysicalIds,
): Promise<Things> {
  await provision(clients, readSettings({ PROJECT_ID: FOREIGN }, {}));
  const launch = async (tags: Readonly<Record<string, string>>): Promise<string> => {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    const { Instances = [] } = await clients.ec2.send(
      new RunInstancesCommand({
        ImageId: IMAGE,
        MinCount: 1,
        MaxCount: 1,
        ...(Tags.length === 0 ? {} : { TagSpecifications: [{ ResourceType: 'instance', Tags }] }),
      }),
    );
    return Instances[0]?.InstanceId ?? '';
  };
  const { LaunchTemplate } = await clients.ec2.send(
    new CreateLaunchTemplateCommand({
      LaunchTemplateName: 'foreign',
      LaunchTemplateData: { ImageId: IMAGE },
    }),
  );
  const physical = (type: string, beginning = ''): string =>
    [...ids].find(([id]) => typeOf(template, id) === type && id.startsWith(beginning))?.[1] ?? '';
  return {
    own: cloudNames(ID),
    foreign: cloudNames(FOREIGN),
    queueUrl: (name) => `http://0.0.0.0/${ACCOUNT}/${name}`,
    instances: {
      own: await launch({ [PROJECT_TAG]: ID, Name: 'app-tier-instance-900' }),
      foreign: await launch({ [PROJECT_TAG]: FOREIGN, Name: 'app-tier-instance-1' }),
      bare: await launch({}),
    },
    templates: {
      own: physical('AWS::EC2::LaunchTemplate'),
      foreign: LaunchTemplate?.LaunchTemplateId ?? '',
    },
    image: IMAGE,
    webProfile: physical('AWS::IAM::InstanceProfile', 'RolesWebProfile'),
  };
}

function surroundings({ ec2 }: Ec2Clients, profiles: ReadonlyMap<string, string>): Surroundings {
  return {
    region: REGION,
    account: ACCOUNT,
    async tagsOf(id) {
      const Filters = [{ Name: 'instance-id', Values: [id] }];
      const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters }));
      const tags = Reservations[0]?.Instances?.[0]?.Tags ?? [];
      return Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [Key, Value]));
    },
    async template(id): Promise<LaunchTemplate | undefined> {
      const { LaunchTemplateVersions = [] } = await ec2.send(
        new DescribeLaunchTemplateVersionsCommand({ LaunchTemplateId: id }),
      );
      const data = LaunchTemplateVersions[0]?.LaunchTemplateData;
      return (
        data && {
          image: data.ImageId,
          securityGroups: data.SecurityGroupIds ?? [],
          profile: data.IamInstanceProfile?.Name ?? data.IamInstanceProfile?.Arn?.split('/').at(-1),
        }
      );
    },
    roleOf: async (profile) => profiles.get(profile),
  };
}
