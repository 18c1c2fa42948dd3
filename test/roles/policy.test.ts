import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accessesOf } from './calls.fixture.ts';
import type { Surroundings } from './ec2-calls.fixture.ts';
import { type Access, judge, type Statement, type Verdict } from './policy.fixture.ts';

const verdict = (
  statements: readonly Partial<Statement>[],
  context: Access['context'] = {},
  resource = 'arn:aws:s3:::demo-in-bucket/a/b.jpg',
): Verdict =>
  judge(
    [
      {
        Statement: statements.map((one) => ({
          Effect: 'Allow',
          Action: 's3:GetObject',
          Resource: '*',
          ...one,
        })),
      },
    ],
    { action: 's3:GetObject', resource, context },
  );

describe('the judge of policies', () => {
  it('refuses what no statement allows, and what one denies', () => {
    assert.equal(verdict([]), 'not allowed');
    assert.equal(verdict([{}]), 'allowed');
    assert.equal(verdict([{}, { Effect: 'Deny' }]), 'denied');
    assert.equal(verdict([{ Action: ['s3:Put*', 's3:get*'] }]), 'allowed');
    assert.equal(verdict([{ Action: 's3:Get' }]), 'not allowed');
  });

  it('reads wildcards of resources over slashes, and everything else as it is written', () => {
    const of = (Resource: string) => verdict([{ Resource }]);
    assert.equal(of('arn:aws:s3:::demo-in-bucket/*'), 'allowed');
    assert.equal(of('arn:aws:s3:::demo-in-bucket/?/b.jpg'), 'allowed');
    assert.equal(of('arn:aws:s3:::demo-in-bucket'), 'not allowed');
    assert.equal(of('arn:aws:s3:::demo.in.bucket/*'), 'not allowed');
  });

  it('takes a missing key for a failed condition, but for those that say otherwise', () => {
    const when = (operator: string, context: Access['context'] = {}) =>
      verdict([{ Condition: { [operator]: { 'aws:TagKeys': ['Name'] } } }], context);
    assert.equal(when('StringEquals'), 'not allowed');
    assert.equal(when('StringEqualsIfExists'), 'allowed');
    assert.equal(when('ForAllValues:StringEquals'), 'allowed');
    assert.equal(when('ForAnyValue:StringEquals'), 'not allowed');
    const both = { 'aws:TagKeys': ['Name', 'owner'] };
    assert.equal(when('ForAllValues:StringEquals', both), 'not allowed');
    assert.equal(when('ForAnyValue:StringEquals', both), 'allowed');
  });

  it('wants every condition, and compares ARNs part by part', () => {
    const Condition = {
      StringEquals: { 'aws:RequestTag/Project': 'demo' },
      ArnLike: { 'ec2:LaunchTemplate': 'arn:aws:ec2:*:1:launch-template/lt-1' },
    };
    const context = (arn: string) => ({
      'AWS:RequestTag/Project': 'demo',
      'ec2:launchtemplate': arn,
    });
    const with_ = (arn: string) => verdict([{ Condition }], context(arn));
    assert.equal(with_('arn:aws:ec2:us-east-1:1:launch-template/lt-1'), 'allowed');
    assert.equal(with_('arn:aws:ec2:us-east-1:2:1:launch-template/lt-1'), 'not allowed');
    assert.equal(verdict([{ Condition }], { 'aws:RequestTag/project': 'demo' }), 'not allowed');
  });

  it('does not guess: what it cannot read is an error', () => {
    const odd = { NumericLessThan: { 's3:max-keys': '10' } };
    assert.throws(() => verdict([{ Condition: odd }], { 's3:max-keys': '5' }), /NumericLessThan/);
    assert.throws(() => verdict([{ NotAction: 's3:*' } as never]), /NotAction/);
    assert.throws(() => verdict([{ Resource: `arn:aws:s3:::${'$'}{aws:username}` }]), /variables/);
  });
});

describe('what a call needs', () => {
  const around: Surroundings = {
    region: 'us-east-1',
    account: '1',
    tagsOf: async () => ({ project: 'demo' }),
    template: async () => ({ image: 'ami-1', securityGroups: ['sg-1'], profile: 'workers' }),
    roleOf: async () => 'arn:aws:iam::1:role/worker',
  };
  const needs = async (service: string, method: string, target: string, body = '', headers = {}) =>
    (await accessesOf({ service, method, target, headers, body: Buffer.from(body) }, around)).map(
      ({ action, resource }) => `${action} ${resource.replace(/^arn:aws:/, '')}`,
    );

  it('of S3 is judged by its objects: each one deleted, the source and the target of a copy', async () => {
    const body =
      '<Delete><Object><Key>a&amp;b</Key></Object><Object><Key>c</Key></Object></Delete>';
    assert.deepEqual(await needs('s3', 'POST', '/bucket?delete=', body), [
      's3:DeleteObject s3:::bucket/a&b',
      's3:DeleteObject s3:::bucket/c',
    ]);
    const copy = { 'x-amz-copy-source': 'bucket/%7E/1' };
    assert.deepEqual(await needs('s3', 'PUT', '/bucket/photo%20.jpg?x-id=CopyObject', '', copy), [
      's3:GetObject s3:::bucket/~/1',
      's3:PutObject s3:::bucket/photo .jpg',
    ]);
    await assert.rejects(needs('s3', 'GET', '/bucket?policy='), /policy/);
  });

  it('of a launch is every resource that it touches, its tags and its role', async () => {
    const form = new URLSearchParams({
      Action: 'RunInstances',
      'LaunchTemplate.LaunchTemplateId': 'lt-1',
      'InstanceMarketOptions.MarketType': 'spot',
      'TagSpecification.1.ResourceType': 'instance',
      'TagSpecification.1.Tag.1.Key': 'project',
      'TagSpecification.1.Tag.1.Value': 'demo',
    });
    const own = (what: string) => `ec2:RunInstances ec2:us-east-1:1:${what}`;
    assert.deepEqual(await needs('ec2', 'POST', '/', form.toString()), [
      ...['instance/*', 'volume/*', 'network-interface/*', 'subnet/subnet-default'].map(own),
      own('security-group/sg-1'),
      'ec2:RunInstances ec2:us-east-1::image/ami-1',
      ...['launch-template/lt-1', 'spot-instances-request/*'].map(own),
      'ec2:CreateTags ec2:us-east-1:1:instance/*',
      'iam:PassRole iam::1:role/worker',
    ]);
  });
});
