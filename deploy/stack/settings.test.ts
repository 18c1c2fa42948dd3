import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Template } from 'aws-cdk-lib/assertions';
import { parseUserData } from '../../cloud/ec2/metadata.ts';
import { readSettings } from '../../runtime/settings.ts';
import { readStackOptions } from './options.ts';
import { CERTIFICATE, list, statementsOf, template } from './template.fixture.ts';

type Resources = Record<string, { Type: string; Properties?: Record<string, unknown> }>;

/** What CloudFormation would write, with a word in place of what it fills in. */
function written(value: unknown): string {
  if (typeof value === 'string') return value;
  const [first] = Object.entries(value as Record<string, unknown>);
  const [kind, content] = first ?? ['', undefined];
  if (kind === 'Fn::Join') return (content as [string, unknown[]])[1].map(written).join('');
  if (kind === 'Fn::Base64') return written(content);
  if (kind === 'Fn::If') return written((content as unknown[])[1]);
  if (kind === 'Fn::GetAtt') return `${(content as string[]).join('.')}`.toLowerCase();
  return (
    { 'AWS::AccountId': '123456789012', WorkerImage: 'ami-0123456789abcdef0' }[String(content)] ??
    (String(content).startsWith('Instances') ? 'lt-0123456789abcdef0' : 'subnet-1')
  );
}
const resources = (of: Template, type: string) =>
  Object.values(of.toJSON().Resources as Resources).filter((one) => one.Type === type);
const settingsOf = (of: Template): Record<string, string> =>
  parseUserData(written(resources(of, 'AWS::SSM::Parameter')[0]?.Properties?.Value));
const userDataOf = (of: Template): string[] =>
  resources(of, 'AWS::EC2::Instance').map((one) => written(one.Properties?.UserData));

describe('settings of the stack', () => {
  const demo = template({ keys: 'none', allowFrom: '203.0.113.0/24' });

  it('lie in a parameter that web instance and workers may read, and name only settings', () => {
    const settings = settingsOf(demo);
    assert.equal(settings.MAX_INSTANCES, '20');
    assert.equal(settings.ACCOUNT_ID, '123456789012');
    assert.equal(settings.BUCKET_SUFFIX, '123456789012-us-east-1');
    assert.equal(settings.AMI_ID, 'ami-0123456789abcdef0');
    const parsed = readSettings({}, settings) as Record<string, unknown>;
    for (const name of Object.keys(settings)) assert.ok(name in parsed, name);
    for (const role of ['Web', 'Worker'] as const) {
      const reading = statementsOf(demo, role).filter(({ Action }) =>
        list(Action).includes('ssm:GetParameter'),
      );
      assert.match(JSON.stringify(reading), /parameter\/elastic-face\/demo\/settings"/);
      assert.doesNotMatch(JSON.stringify(reading), /\*/);
    }
  });

  it('are found by the user data, which lasts from first boot on and holds nothing that changes', () => {
    const [text = ''] = userDataOf(demo);
    assert.match(text, /^SETTINGS_PARAMETER=\/elastic-face\/demo\/settings$/m);
    assert.match(text, /cat >>\/etc\/elastic-face\/environment/, 'what the image brings stays');
  });

  for (const [what, changed] of Object.entries({
    maxInstances: '50',
    workerType: 'c6i.large',
    policy: 'threshold',
    settings: 'SPOT=prefer;IDLE_SECONDS=30',
  })) {
    it(`change with ${what}, and no instance is replaced or started again`, () => {
      const before = demo.toJSON().Resources as Resources;
      const after = template({ keys: 'none', allowFrom: '203.0.113.0/24', [what]: changed });
      const different = Object.entries(after.toJSON().Resources as Resources)
        .filter(([name, one]) => JSON.stringify(one) !== JSON.stringify(before[name]))
        .map(([, one]) => one.Type);
      assert.deepEqual(
        different.filter(
          (type) => type !== 'AWS::SSM::Parameter' && type !== 'AWS::EC2::LaunchTemplate',
        ),
        [],
      );
      assert.ok(different.includes('AWS::SSM::Parameter'));
    });
  }

  it('take any setting, checked when the template is made', () => {
    const given = { id: 'demo', settings: 'SPOT=prefer;UNKNOWN_NAME=a = b' };
    assert.deepEqual(readStackOptions(given).settings, { SPOT: 'prefer', UNKNOWN_NAME: 'a = b' });
    assert.throws(
      () => readStackOptions({ id: 'demo', settings: 'SPOTS=yes' }),
      /must name settings, and SPOTS is none/,
    );
    assert.throws(
      () => readStackOptions({ id: 'demo', settings: 'SPOT=maybe' }),
      /SPOT must be no, prefer or only/,
    );
  });

  it('scale by drain-time; the course’s threshold is an option', () => {
    assert.equal(settingsOf(demo).SCALE_POLICY, 'drain-time');
    assert.equal(settingsOf(template({ policy: 'threshold' })).SCALE_POLICY, 'threshold');
    assert.equal(readSettings({}, {}).SCALE_POLICY, 'threshold');
  });

  it('keep connections behind the balancer longer than it does', () => {
    assert.equal(settingsOf(template({ certificateArn: CERTIFICATE })).KEEP_ALIVE_SECONDS, '920');
    assert.equal(settingsOf(demo).KEEP_ALIVE_SECONDS, undefined);
  });
});

describe('several web nodes', () => {
  const nodes = template({ certificateArn: CERTIFICATE, webNodes: '3' });

  it('stand in different zones behind the balancer, each with a scaler of which one leads', () => {
    const instances = resources(nodes, 'AWS::EC2::Instance');
    assert.equal(instances.length, 3);
    assert.ok(
      new Set(instances.map((one) => written(JSON.stringify(one.Properties?.SubnetId)))).size > 1,
    );
    const [targets] = resources(nodes, 'AWS::ElasticLoadBalancingV2::TargetGroup');
    assert.equal((targets?.Properties?.Targets as unknown[] | undefined)?.length, 3);
  });

  it('share a Valkey with a replica in another zone, over TLS and with a password', () => {
    nodes.hasResourceProperties('AWS::ElastiCache::ReplicationGroup', {
      Engine: 'valkey',
      NumCacheClusters: 2,
      AutomaticFailoverEnabled: true,
      MultiAZEnabled: true,
      TransitEncryptionEnabled: true,
      AtRestEncryptionEnabled: true,
    });
    assert.match(settingsOf(nodes).REDIS_URL ?? '', /^rediss:\/\/[^@]+:6380$/);
    for (const text of userDataOf(nodes)) {
      assert.doesNotMatch(text, /REDIS_URL|redis-server elastic/);
      assert.match(
        text,
        /^SETTINGS_PARAMETER=.*,\/aws\/reference\/secretsmanager\/elastic-face\/demo\/redis$/m,
      );
    }
    for (const role of ['Web', 'Worker'] as const) {
      const actions = statementsOf(nodes, role).flatMap(({ Action }) => list(Action));
      assert.ok(actions.includes('secretsmanager:GetSecretValue'), role);
    }
  });

  it('make the password on AWS, so that it stands in no template and no user data', () => {
    const text = JSON.stringify(nodes.toJSON());
    assert.match(text, /resolve:secretsmanager:/);
    assert.doesNotMatch(text, /REDIS_PASSWORD=/);
  });

  it('need the balancer and a shared Redis', () => {
    const together = (given: Record<string, unknown>) => () =>
      template({ webNodes: '2', ...given });
    assert.throws(together({}), /Several web nodes need the load balancer/);
    assert.throws(
      together({ certificateArn: CERTIFICATE, redis: 'instance' }),
      /Several web nodes need one Redis/,
    );
  });

  it('are not needed for ElastiCache, and one web node does without it', () => {
    const one = template({ certificateArn: CERTIFICATE, redis: 'elasticache' });
    assert.equal(resources(one, 'AWS::ElastiCache::ReplicationGroup').length, 1);
    assert.equal(resources(template(), 'AWS::ElastiCache::ReplicationGroup').length, 0);
  });
});

describe('web instances, when an update replaces them', () => {
  interface Web {
    Type: string;
    DependsOn?: string[];
    CreationPolicy?: unknown;
    Properties?: { UserData?: unknown };
  }
  const webs = (of: Template): [string, Web][] =>
    Object.entries(of.toJSON().Resources as Record<string, Web>).filter(
      ([, { Type }]) => Type === 'AWS::EC2::Instance',
    );
  const nodes = template({ certificateArn: CERTIFICATE, webNodes: '3' });

  it('follow one another, each after the one before has said that it answers', () => {
    const all = webs(nodes);
    for (const [index, [name, web]] of all.entries()) {
      assert.deepEqual(web.CreationPolicy, { ResourceSignal: { Count: 1, Timeout: 'PT15M' } });
      const lastLine = written(web.Properties?.UserData).trimEnd().split('\n').at(-1);
      assert.match(
        lastLine ?? '',
        new RegExp(`/deploy/signal-ready\\.ts us-east-1 elastic-face-demo ${name}$`),
      );
      const former = all[index - 1]?.[0];
      assert.ok(former === undefined || web.DependsOn?.includes(former), `${name} waits`);
    }
  });

  it('may signal for their own stack only', () => {
    const [signal, ...more] = statementsOf(nodes, 'Web').filter(({ Action }) =>
      list(Action).includes('cloudformation:SignalResource'),
    );
    assert.deepEqual(more, []);
    assert.deepEqual(signal?.Resource, { Ref: 'AWS::StackId' });
  });

  it('are new ones where their user data changes, which is run at the first boot only', () => {
    const names = (of: Template) => webs(of).map(([name]) => name);
    const one = template({ certificateArn: CERTIFICATE });
    const withCache = template({ certificateArn: CERTIFICATE, redis: 'elasticache' });
    assert.notEqual(names(one)[0], names(nodes)[0], 'the first node leaves its own Redis');
    assert.equal(names(withCache)[0], names(nodes)[0], 'one more node replaces none');
    assert.equal(names(template({ settings: 'SPOT=only' }))[0], names(template())[0]);
  });
});

describe('names of buckets', () => {
  const named = (of: Template) => of.toJSON().Parameters.BucketNames as Record<string, unknown>;

  it('hold account and region, so that an id can be deployed in each region', () => {
    const suffix = (region: string) => settingsOf(template({ region })).BUCKET_SUFFIX;
    assert.equal(suffix('eu-west-1'), '123456789012-eu-west-1');
    assert.notEqual(suffix('eu-west-1'), suffix('us-east-1'));
    assert.equal(settingsOf(template({ bucketNames: 'course' })).BUCKET_SUFFIX, undefined);
  });

  it('stay those of a stack: it is refused until somebody says which it has', () => {
    assert.deepEqual(named(template()).AllowedValues, ['account-region', 'account']);
    assert.equal(named(template()).Default, undefined);
    assert.equal(named(template({ bucketNames: 'course' })), undefined);
  });

  it('leave out the region where the id leaves no room for it', () => {
    const endings = (length: number) => named(template({ id: 'a'.repeat(length) })).AllowedValues;
    assert.deepEqual(endings(26), ['account-region', 'account']);
    assert.deepEqual(endings(27), ['account']);
  });

  it('fit S3 with the account’s id, or the options are refused', () => {
    const id = 'a'.repeat(37);
    assert.throws(() => template({ id }), /1 letters too long.*--id of at most 36 letters/);
    assert.doesNotThrow(() => template({ id: 'a'.repeat(36) }));
    assert.doesNotThrow(() => template({ id, bucketNames: 'course' }));
  });
});

describe('spot instances', () => {
  it('need nothing done by hand: the scaler may have EC2 make their role', () => {
    const making = statementsOf(template(), 'Web').filter(({ Action }) =>
      list(Action).includes('iam:CreateServiceLinkedRole'),
    );
    assert.equal(making.length, 1);
    assert.equal(making[0]?.Condition?.StringEquals?.['iam:AWSServiceName'], 'spot.amazonaws.com');
    assert.match(JSON.stringify(making[0]?.Resource), /AWSServiceRoleForEC2Spot/);
  });
});
