import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { readStackOptions } from './options.ts';
import { synthesize } from './stack.ts';
import { CERTIFICATE, list, type Statement, statementsOf, template } from './template.fixture.ts';

const options = readStackOptions({ id: 'demo', email: 'ops@example.com', plainHttp: true });
const fronted = readStackOptions({ id: 'demo', certificateArn: CERTIFICATE });
const demo = template();
const statements = (of: 'Worker' | 'Web'): Statement[] => statementsOf(demo, of);
const allowing = (of: 'Worker' | 'Web', action: string): Statement[] =>
  statements(of).filter(({ Action }) => list(Action).includes(action));

/** The same bucket with the suffix that account and region decide. */
const ofAccount = (name: string) => {
  const account = { Ref: 'AWS::AccountId' };
  const here = { 'Fn::Join': ['', [account, '-us-east-1']] };
  const suffix = { 'Fn::If': ['BucketNamesHaveRegion', here, account] };
  return { 'Fn::Join': ['', [`${name}-`, suffix]] };
};

describe('the stack’s names', () => {
  it('are those of the contract', () => {
    for (const QueueName of ['demo-req-queue', 'demo-resp-queue', 'demo-req-dead-letter-queue']) {
      demo.hasResourceProperties('AWS::SQS::Queue', { QueueName });
    }
    const course = template({ bucketNames: 'course' });
    for (const BucketName of ['demo-in-bucket', 'demo-out-bucket', 'demo-people-bucket']) {
      course.hasResourceProperties('AWS::S3::Bucket', { BucketName });
      demo.hasResourceProperties('AWS::S3::Bucket', { BucketName: ofAccount(BucketName) });
    }
    demo.hasResourceProperties('AWS::EC2::Instance', {
      Tags: Match.arrayWith([{ Key: 'Name', Value: 'web-instance' }]),
    });
  });

  it('differ from another project’s, so that both fit into one account', () => {
    const named = (of: Template): string[] =>
      Object.values(
        of.toJSON().Resources as Record<string, { Properties?: Record<string, unknown> }>,
      )
        .flatMap(({ Properties = {} }) => [
          Properties.QueueName,
          Properties.BucketName,
          Properties.DashboardName,
          Properties.LogGroupName,
        ])
        // A reference is the name of another resource here.
        .filter((name) => name !== undefined && Object.keys(name as object)[0] !== 'Ref')
        .map((name) => JSON.stringify(name));
    const other = new Set(named(template({ id: 'other' })));
    assert.ok(other.size >= 9);
    assert.deepEqual(
      named(demo).filter((name) => other.has(name)),
      [],
    );
  });
});

describe('what lies in the stack', () => {
  it('is private, encrypted and goes after its days', () => {
    demo.allResourcesProperties('AWS::S3::Bucket', {
      BucketEncryption: Match.anyValue(),
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    });
    const expiring = (BucketName: string, rule: object): void =>
      template({ keepDays: '7' }).hasResourceProperties('AWS::S3::Bucket', {
        BucketName: ofAccount(BucketName),
        LifecycleConfiguration: {
          Rules: Match.arrayWith([Match.objectLike({ ...rule, Status: 'Enabled' })]),
        },
      });
    expiring('demo-in-bucket', { ExpirationInDays: 7 });
    expiring('demo-out-bucket', { ExpirationInDays: 7 });
    demo.allResourcesProperties('AWS::SQS::Queue', { SqsManagedSseEnabled: true });
  });

  it('keeps the gallery, whatever the days, and no photo on its way to a worker', () => {
    const buckets = template({ keepDays: '7' }).findResources('AWS::S3::Bucket', {
      Properties: { BucketName: ofAccount('demo-people-bucket') },
    });
    const [bucket] = Object.values(buckets);
    const rules: { ExpirationInDays?: number; Prefix?: string }[] =
      bucket?.Properties.LifecycleConfiguration.Rules;
    assert.deepEqual(
      rules
        .filter(({ ExpirationInDays }) => ExpirationInDays !== undefined)
        .map(({ ExpirationInDays, Prefix }) => [Prefix, ExpirationInDays]),
      [['work/', 1]],
    );
  });

  it('is deleted with the stack, all of it', () => {
    const kept = Object.entries(
      demo.toJSON().Resources as Record<string, { DeletionPolicy?: string }>,
    )
      .filter(
        ([, { DeletionPolicy }]) => DeletionPolicy !== undefined && DeletionPolicy !== 'Delete',
      )
      .map(([name]) => name);
    assert.deepEqual(kept, []);
  });

  it('costs nothing while it is idle but the web instance, its disk and address', () => {
    for (const type of [
      'AWS::EC2::NatGateway',
      'AWS::ElasticLoadBalancingV2::LoadBalancer',
      'AWS::AutoScaling::AutoScalingGroup',
    ]) {
      demo.resourceCountIs(type, 0);
    }
    demo.resourceCountIs('AWS::EC2::Instance', 1);
    demo.resourceCountIs('AWS::EC2::EIP', 1);
  });

  it('sends a request that failed for good to the dead letters, and has a budget', () => {
    demo.hasResourceProperties('AWS::SQS::Queue', {
      QueueName: 'demo-req-queue',
      RedrivePolicy: Match.objectLike({ maxReceiveCount: 6 }),
    });
    demo.resourceCountIs('AWS::Budgets::Budget', 1);
  });

  it('waits for an answer longer than the web tier does, and closes no connection before the balancer', () => {
    const fronted = template({ certificateArn: CERTIFICATE });
    fronted.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', {
      LoadBalancerAttributes: Match.arrayWith([
        { Key: 'idle_timeout.timeout_seconds', Value: '910' },
      ]),
    });
    const keepAlive = (of: Template): string | undefined =>
      /KEEP_ALIVE_SECONDS=(\d+)/.exec(JSON.stringify(of.toJSON()))?.[1];
    assert.equal(keepAlive(fronted), '920');
    assert.equal(keepAlive(demo), undefined);
  });
});

describe('the instances', () => {
  it('give their metadata only to themselves, by tokens', () => {
    const MetadataOptions = { HttpTokens: 'required', HttpPutResponseHopLimit: 1 };
    demo.hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateData: Match.objectLike({ MetadataOptions: Match.objectLike(MetadataOptions) }),
    });
    demo.hasResourceProperties('AWS::EC2::Instance', {
      MetadataOptions: Match.objectLike(MetadataOptions),
    });
  });

  it('take their root disk from the image, whatever its device is called', () => {
    demo.hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateData: Match.objectLike({ BlockDeviceMappings: Match.absent() }),
    });
    demo.hasResourceProperties('AWS::EC2::Instance', { BlockDeviceMappings: Match.absent() });
    const recipe = readFileSync(join(import.meta.dirname, '../bake/image-builder.yaml'), 'utf8');
    assert.doesNotMatch(recipe, /DeviceName|\/dev\//);
    assert.match(recipe, /KmsKeyId: .*alias\/aws\/ebs/, 'the image, and so the disk, is encrypted');
  });

  it('of workers take no connection, and end when they shut down', () => {
    demo.hasResourceProperties('AWS::EC2::SecurityGroup', {
      GroupDescription: Match.stringLikeRegexp('^Workers'),
      SecurityGroupIngress: Match.absent(),
    });
    demo.hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateData: Match.objectLike({ InstanceInitiatedShutdownBehavior: 'terminate' }),
    });
  });
});

describe('a worker’s role', () => {
  const actions = statements('Worker').flatMap(({ Action }) => list(Action));

  it('reads photos, writes results, uses its two queues and is looked after, nothing else', () => {
    const services = new Set(actions.map((action) => action.split(':')[0]));
    assert.deepEqual([...services].sort(), ['logs', 's3', 'sqs', 'ssm', 'ssmmessages']);
    assert.deepEqual(
      actions.filter((action) => action.includes('*')),
      [],
    );
    const resources = JSON.stringify(allowing('Worker', 'sqs:ReceiveMessage'));
    assert.match(resources, /StorageRequests/);
    assert.doesNotMatch(resources, /StorageReplies|StorageDeadLetters/);
    assert.match(JSON.stringify(allowing('Worker', 'sqs:SendMessage')), /StorageReplies/);
  });

  it('deletes only photos that lie aside', () => {
    assert.match(
      JSON.stringify(allowing('Worker', 's3:DeleteObject').map((one) => one.Resource)),
      /\/~\/\*/,
    );
  });
});

describe('the scaler’s permission', () => {
  it('to run instances is bound to the template and the project’s tag', () => {
    // AWS gives a spot request no ec2:LaunchTemplate; without an instance it launches nothing.
    const isSpotOnly = ({ Resource }: { Resource: unknown }): boolean =>
      [Resource].flat().every((one) => JSON.stringify(one).includes(':spot-instances-request/*'));
    const all = allowing('Web', 'ec2:RunInstances');
    const [spot, ...others] = all.filter(isSpotOnly);
    assert.deepEqual([spot?.Condition, others], [undefined, []]);
    const run = all.filter((one) => !isSpotOnly(one));
    assert.equal(run.length, 2);
    for (const { Condition } of run) assert.ok(Condition?.ArnEquals?.['ec2:LaunchTemplate']);
    const instances = run.find(({ Resource }) => JSON.stringify(Resource).includes(':instance/*'));
    assert.equal(
      instances?.Condition?.StringEquals?.['aws:RequestTag/elastic-face:project'],
      'demo',
    );
  });

  it('to end, stop or start them is bound to the project’s tag', () => {
    for (const action of ['ec2:TerminateInstances', 'ec2:StopInstances', 'ec2:StartInstances']) {
      const [only, ...more] = allowing('Web', action);
      assert.equal(more.length, 0);
      assert.equal(only?.Condition?.StringEquals?.['aws:ResourceTag/elastic-face:project'], 'demo');
    }
  });

  it('to tag holds while launching, and later for the Name of what has the project’s tag', () => {
    const [tag, name, ...more] = allowing('Web', 'ec2:CreateTags');
    assert.equal(more.length, 0);
    assert.equal(name?.Condition?.StringEquals?.['aws:ResourceTag/elastic-face:project'], 'demo');
    assert.deepEqual(name?.Condition?.['ForAllValues:StringEquals'], { 'aws:TagKeys': ['Name'] });
    assert.equal(tag?.Condition?.StringEquals?.['ec2:CreateAction'], 'RunInstances');
  });

  it('to pass a role holds only for the workers’', () => {
    const [pass] = allowing('Web', 'iam:PassRole');
    assert.match(JSON.stringify(pass?.Resource), /RolesWorkerRole/);
    assert.equal(pass?.Condition?.StringEquals?.['iam:PassedToService'], 'ec2.amazonaws.com');
  });

  it('names no resource with a bare star but for describing and for Session Manager', () => {
    const starred = [...statements('Web'), ...statements('Worker')].filter(({ Resource }) =>
      list(Resource).includes('*'),
    );
    for (const { Action } of starred) {
      for (const action of list(Action)) {
        assert.match(action, /^(?:ec2:Describe|ssmmessages:|ssm:UpdateInstanceInformation$)/);
      }
    }
  });
});

describe('the template', () => {
  const folder = mkdtempSync(join(tmpdir(), 'elastic-face-synth-'));
  after(() => rmSync(folder, { recursive: true }));

  it('passes cdk-nag, with and without HTTPS, and with several web nodes', () => {
    synthesize(options, join(folder, 'plain'));
    synthesize(fronted, join(folder, 'tls'));
    synthesize({ ...fronted, webNodes: 3 }, join(folder, 'nodes'));
  });

  const missing = spawnSync('cfn-lint', ['--version']).status !== 0 && 'cfn-lint is not installed';
  it('passes cfn-lint', { skip: missing }, () => {
    const { status, stdout, stderr } = spawnSync(
      'cfn-lint',
      ['plain', 'tls', 'nodes'].map((name) =>
        join(folder, name, 'elastic-face-demo.template.json'),
      ),
      { encoding: 'utf8' },
    );
    assert.equal(status, 0, `${stdout}${stderr}`);
  });
});

describe('options', () => {
  it('that are wrong are named with their rule', () => {
    assert.throws(() => readStackOptions({ id: 'Not_Good' }), /id must be 1 to 40 lower-case/);
    assert.throws(() => readStackOptions({}), /id/);
    assert.throws(
      () => readStackOptions({ id: 'demo', keepDays: 0 }),
      /keepDays must be at least 1 day/,
    );
  });
});
