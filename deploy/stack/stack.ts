/** The whole of a project on AWS as one CloudFormation stack, made of its parts. */
import {
  App,
  type CfnElement,
  DefaultStackSynthesizer,
  Stack,
  Tags,
  Validations,
} from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { Construct } from 'constructs';
import { PROJECT_TAG } from '../../cloud/contract/names.ts';
import { Alarms } from './alarms.ts';
import { Cache } from './cache.ts';
import { allowPlainHttp, TlsFront } from './front.ts';
import { Instances } from './instances.ts';
import { Keys } from './keys.ts';
import { Network } from './network.ts';
import { OperatorAccess } from './operator-access.ts';
import { redisOf, requireClosed, requireTogether, type StackOptions } from './options.ts';
import { Roles } from './roles.ts';
import { Storage } from './storage.ts';
import { Watching } from './watching.ts';

export function stackName(id: string): string {
  return `elastic-face-${id}`;
}

export interface StackParts {
  readonly stack: Stack;
  readonly storage: Storage;
  readonly network: Network;
  readonly roles: Roles;
  readonly access: OperatorAccess;
  readonly cache: Cache | undefined;
  readonly instances: Instances;
  readonly front: TlsFront | undefined;
}

/** A template without assets: any CloudFormation client deploys it, in an account that knows no CDK. */
export function createStack(app: App, options: StackOptions): StackParts {
  requireTogether(options);
  const stack = new Stack(app, stackName(options.id), {
    description: 'Elastic face recognition: web tier, queue, and workers that appear with work.',
    env: { region: options.region },
    synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }),
  });
  const storage = new Storage(stack, options);
  const redis = redisOf(options);
  const network = new Network(stack, { redis });
  const cache = redis === 'elasticache' ? new Cache(stack, { options, network }) : undefined;
  const roles = new Roles(stack, { storage });
  const access = new OperatorAccess(stack, { options, roles });
  const keys = new Keys(stack, options);
  const instances = new Instances(stack, { options, storage, network, roles, keys, cache });
  const { certificateArn, allowFrom } = options;
  const front =
    certificateArn === undefined
      ? undefined
      : new TlsFront(stack, { certificateArn, allowFrom, network, web: instances.web });
  if (front === undefined) allowPlainHttp(network.web, allowFrom);
  new Alarms(stack, { options, storage, logs: access.groups, web: front ?? instances.web[0]! });
  new Watching(stack, { options, storage });
  // CloudFormation takes tags on these two, but its linter does not know it yet.
  Tags.of(stack).add(PROJECT_TAG, options.id, {
    excludeResourceTypes: ['AWS::CloudWatch::Dashboard', 'AWS::ElasticLoadBalancingV2::Listener'],
  });
  return { stack, storage, network, roles, access, cache, instances, front };
}

const OBJECTS = 'Clients choose the names of objects: the bucket is the boundary.';
const BY_CONDITION =
  'EC2 names its resources itself: the conditions bind them to this template and this project’s tag.';

/** Every exception, beside the construct that it concerns. */
function acknowledge(parts: StackParts): void {
  const { stack, storage, network, roles, access, cache, instances, front } = parts;
  const excuse = (construct: Construct, rule: string, reason: string): void =>
    Validations.of(construct).acknowledge({ id: `AwsSolutions::AwsSolutions-${rule}`, reason });
  const arnOf = (construct: Construct): string =>
    `<${stack.getLogicalId(construct.node.defaultChild as CfnElement)}.Arn>`;

  for (const bucket of [storage.inBucket, storage.outBucket, storage.peopleBucket]) {
    excuse(
      bucket,
      'S1',
      'An access log of each photo costs as much as the photo; CloudTrail can do it.',
    );
  }
  excuse(
    storage.replies,
    'SQS3',
    'A reply that nobody takes in time has lost its client: it may expire.',
  );
  excuse(
    network,
    'VPC7',
    'Flow logs are paid for per connection, also by a stack that is tried for an hour.',
  );
  excuse(network, 'EC23', 'The web tier takes photos from everywhere: that is what it is for.');

  const photos = `${arnOf(storage.inBucket)}/*`;
  for (const resource of [
    photos,
    `${arnOf(storage.inBucket)}/~/*`,
    `${arnOf(storage.outBucket)}/*`,
    ...['*', 'gallery/*', 'gallery/segments/*', 'work/*'].map(
      (keys) => `${arnOf(storage.peopleBucket)}/${keys}`,
    ),
  ]) {
    excuse(roles, `IAM5[Resource::${resource}]`, OBJECTS);
  }
  excuse(roles, 'IAM5[Resource::*]', 'EC2’s Describe actions know no resources.');
  const ec2 = `arn:<AWS::Partition>:ec2:${stack.region}:<AWS::AccountId>`;
  const kinds = [
    'instance',
    'volume',
    'network-interface',
    'security-group',
    'subnet',
    'spot-instances-request',
  ];
  for (const kind of kinds) excuse(roles, `IAM5[Resource::${ec2}:${kind}/*]`, BY_CONDITION);
  excuse(roles, `IAM5[Resource::arn:<AWS::Partition>:ec2:${stack.region}::image/*]`, BY_CONDITION);

  excuse(access, 'IAM5[Resource::*]', 'Session Manager’s channels know no resources.');

  excuse(instances, 'EC26', 'Disks are encrypted by the image: see the recipe of Image Builder.');
  excuse(instances, 'EC29', 'The web instance keeps nothing that a new one would not make again.');
  if (cache !== undefined) {
    excuse(cache, 'SMG4', 'A rotation would need a Lambda; services follow a changed password.');
  }
  if (front !== undefined) {
    excuse(
      front,
      'ELB2',
      'Access logs want a bucket that is paid for; the web tier logs each request.',
    );
    excuse(front, 'EC23', 'HTTPS is for everybody.');
  }
}

/**
 * @param outdir folder for `<stack>.template.json`
 * @returns the template's file
 * @throws {Error} when the options leave the web tier open, or when a rule of cdk-nag finds something without a written reason
 */
export function synthesize(options: StackOptions, outdir: string): string {
  requireClosed(options);
  const app = new App({ outdir, analyticsReporting: false });
  const parts = createStack(app, options);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  acknowledge(parts);
  const assembly = app.synth();
  return assembly.getStackArtifact(parts.stack.artifactId).templateFullPath;
}
