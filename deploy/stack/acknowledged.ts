/** What cdk-nag's rules ask and this stack does not do, each with its reason. Changes nothing of the stack. */
import { type CfnElement, Validations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { StackParts } from './stack.ts';

const OBJECTS = 'Clients choose the names of objects: the bucket is the boundary.';
const BY_CONDITION =
  'EC2 names its resources itself: the conditions bind them to this template and this project’s tag.';

/** Every exception, beside the construct that it concerns. */
export function acknowledge({
  stack,
  storage,
  network,
  roles,
  instances,
  front,
}: StackParts): void {
  const excuse = (construct: Construct, rule: string, reason: string): void =>
    Validations.of(construct).acknowledge({ id: `AwsSolutions::AwsSolutions-${rule}`, reason });
  const arnOf = (construct: Construct): string =>
    `<${stack.getLogicalId(construct.node.defaultChild as CfnElement)}.Arn>`;

  for (const bucket of [storage.inBucket, storage.outBucket]) {
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

  excuse(instances, 'EC26', 'The rule cannot read this disk’s encryption; stack.test.ts does.');
  excuse(instances, 'EC29', 'The web instance keeps nothing that a new one would not make again.');
  if (front !== undefined) {
    excuse(
      front,
      'ELB2',
      'Access logs want a bucket that is paid for; the web tier logs each request.',
    );
    excuse(front, 'EC23', 'HTTPS is for everybody.');
  }
}
