/** Permissions: one role for the web instance (web tier and scaler), one for workers, each the least it needs. */
import { Stack } from 'aws-cdk-lib';
import type { CfnLaunchTemplate } from 'aws-cdk-lib/aws-ec2';
import {
  CfnInstanceProfile,
  Effect,
  ManagedPolicy,
  PolicyDocument,
  PolicyStatement,
  Role,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam';
import type { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { PROJECT_TAG, settingsParameter } from '../../cloud/contract/names.ts';
import { secretParameterName } from './secret-names.ts';
import type { Storage } from './storage.ts';

type Condition = Record<string, Record<string, string | string[]>>;

const allow = (actions: string[], resources: string[], conditions?: Condition): PolicyStatement =>
  new PolicyStatement({
    effect: Effect.ALLOW,
    actions,
    resources,
    ...(conditions === undefined ? {} : { conditions }),
  });

/** A role that an instance of this stack takes on, with the profile that carries it. */
function instanceRole(
  scope: Construct,
  name: string,
  statements: readonly PolicyStatement[],
): { role: Role; profile: CfnInstanceProfile } {
  const role = new Role(scope, `${name}Role`, {
    assumedBy: new ServicePrincipal('ec2.amazonaws.com'),
    inlinePolicies: { needs: new PolicyDocument({ statements: [...statements] }) },
  });
  const profile = new CfnInstanceProfile(scope, `${name}Profile`, { roles: [role.roleName] });
  return { role, profile };
}

export class Roles extends Construct {
  readonly worker: Role;
  readonly workerProfile: CfnInstanceProfile;
  readonly web: Role;
  readonly webProfile: CfnInstanceProfile;

  constructor(scope: Construct, { storage }: { storage: Storage }) {
    super(scope, 'Roles');
    const { inBucket, outBucket, peopleBucket, requests, replies, deadLetters } = storage;
    const take = [
      'sqs:GetQueueUrl',
      'sqs:GetQueueAttributes',
      'sqs:ReceiveMessage',
      'sqs:DeleteMessage',
      'sqs:ChangeMessageVisibility',
    ];
    const worker = instanceRole(this, 'Worker', [
      // It sends as well: a copy of what it was taken away from.
      allow([...take, 'sqs:SendMessage'], [requests.queueArn]),
      allow(['sqs:GetQueueUrl', 'sqs:SendMessage'], [replies.queueArn, deadLetters.queueArn]),
      // Without it, S3 answers 403 for an object that is not there, where the worker needs the 404.
      allow(['s3:ListBucket'], [inBucket.bucketArn, outBucket.bucketArn, peopleBucket.bucketArn]),
      allow(['s3:GetObject'], [inBucket.arnForObjects('*')]),
      // A second upload of a name lies aside until the worker moves or drops it.
      allow(['s3:PutObject'], [inBucket.arnForObjects('*')]),
      allow(['s3:DeleteObject'], [inBucket.arnForObjects('~/*')]),
      allow(['s3:GetObject', 's3:PutObject'], [outBucket.arnForObjects('*')]),
      // It follows the gallery and publishes the model's own people, but does not change people.
      allow(
        ['s3:GetObject'],
        ['gallery/*', 'work/*'].map((keys) => peopleBucket.arnForObjects(keys)),
      ),
      allow(
        ['s3:PutObject'],
        ['gallery/base.json', 'gallery/segments/*', 'work/*'].map((keys) =>
          peopleBucket.arnForObjects(keys),
        ),
      ),
    ]);
    this.worker = worker.role;
    this.workerProfile = worker.profile;
    const web = instanceRole(this, 'Web', [
      allow(['sqs:GetQueueUrl', 'sqs:GetQueueAttributes', 'sqs:SendMessage'], [requests.queueArn]),
      // The scaler's claim to the project, for others that share no Redis with it.
      allow(['sqs:ListQueueTags', 'sqs:TagQueue', 'sqs:UntagQueue'], [requests.queueArn]),
      allow(take, [replies.queueArn]),
      allow(['s3:PutObject'], [inBucket.arnForObjects('*')]),
      // It changes the gallery, and erases people who ask to be forgotten, also from answers and letters.
      allow(['s3:ListBucket'], [outBucket.bucketArn, peopleBucket.bucketArn]),
      allow(['s3:GetObject', 's3:PutObject', 's3:DeleteObject'], [peopleBucket.arnForObjects('*')]),
      allow(['s3:GetObject', 's3:PutObject', 's3:DeleteObject'], [outBucket.arnForObjects('*')]),
      allow(take, [deadLetters.queueArn]),
    ]);
    this.web = web.role;
    this.webProfile = web.profile;
  }

  /** Services read their settings, and the password of Redis where it is not on the web instance. */
  allowSettings(id: string, secret?: CfnSecret): void {
    const { partition, region, account } = Stack.of(this);
    const parameter = (name: string) =>
      `arn:${partition}:ssm:${region}:${account}:parameter${name}`;
    const names = [settingsParameter(id)];
    // Parameter Store reads secrets of Secrets Manager under this name.
    if (secret !== undefined) names.push(secretParameterName(id));
    const statements = [
      allow(['ssm:GetParameter'], names.map(parameter)),
      ...(secret === undefined ? [] : [allow(['secretsmanager:GetSecretValue'], [secret.ref])]),
    ];
    const policy = new ManagedPolicy(this, 'Settings', {
      document: new PolicyDocument({ statements }),
    });
    for (const role of [this.worker, this.web]) role.addManagedPolicy(policy);
  }

  /** A web instance says to CloudFormation that it answers. */
  allowSignal(): void {
    const statements = [allow(['cloudformation:SignalResource'], [Stack.of(this).stackId])];
    this.web.addManagedPolicy(
      new ManagedPolicy(this, 'Signal', { document: new PolicyDocument({ statements }) }),
    );
  }

  /**
   * The scaler's own: only from this template, only with this project's tag, and of what runs only
   * what carries that tag. Describing cannot be narrowed: EC2 knows no resource for it.
   */
  allowScaling(id: string, template: CfnLaunchTemplate): void {
    const { partition, region, account } = Stack.of(this);
    const ec2 = (what: string) => `arn:${partition}:ec2:${region}:${account}:${what}`;
    const templateArn = ec2(`launch-template/${template.ref}`);
    const ofThisProject = { [`aws:ResourceTag/${PROJECT_TAG}`]: id };
    const fromTemplate = { ArnEquals: { 'ec2:LaunchTemplate': templateArn } };
    const statements = [
      allow(['ec2:DescribeInstances'], ['*']),
      allow(['ec2:RunInstances'], [ec2('instance/*'), ec2('volume/*')], {
        ...fromTemplate,
        StringEquals: { [`aws:RequestTag/${PROJECT_TAG}`]: id },
      }),
      allow(
        ['ec2:RunInstances'],
        [
          templateArn,
          ...['network-interface/*', 'security-group/*', 'subnet/*'].map(ec2),
          `arn:${partition}:ec2:${region}::image/*`,
        ],
        fromTemplate,
      ),
      // AWS gives this one no ec2:LaunchTemplate: under the condition, no spot instance could be launched.
      // Alone it launches nothing.
      allow(['ec2:RunInstances'], [ec2('spot-instances-request/*')]),
      allow(['ec2:CreateTags'], [ec2('instance/*'), ec2('volume/*')], {
        StringEquals: { 'ec2:CreateAction': 'RunInstances', [`aws:RequestTag/${PROJECT_TAG}`]: id },
      }),
      // Several launched in one call get their names one by one.
      allow(['ec2:CreateTags'], [ec2('instance/*')], {
        StringEquals: ofThisProject,
        'ForAllValues:StringEquals': { 'aws:TagKeys': ['Name'] },
      }),
      allow(
        ['ec2:TerminateInstances', 'ec2:StopInstances', 'ec2:StartInstances'],
        [ec2('instance/*')],
        {
          StringEquals: ofThisProject,
        },
      ),
      // EC2 makes this role of the account with its first spot instance.
      allow(
        ['iam:CreateServiceLinkedRole'],
        [
          `arn:${partition}:iam::${account}:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot`,
        ],
        { StringEquals: { 'iam:AWSServiceName': 'spot.amazonaws.com' } },
      ),
      allow(['iam:PassRole'], [this.worker.roleArn], {
        StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' },
      }),
    ];
    this.web.addManagedPolicy(
      new ManagedPolicy(this, 'Scaling', { document: new PolicyDocument({ statements }) }),
    );
  }
}
