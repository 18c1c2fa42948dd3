import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Match } from 'aws-cdk-lib/assertions';
import { CERTIFICATE, list, type Statement, template } from './template.fixture.ts';

const demo = template({ email: 'ops@example.com' });

/** What CloudWatch asks before it publishes: the topic's policy, which holds alone where there is one. */
function mayPublish(service: string): Statement | undefined {
  const policies = Object.values(demo.findResources('AWS::SNS::TopicPolicy'));
  return policies
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement as Statement[])
    .find(
      ({ Effect, Action, Principal }) =>
        Effect === 'Allow' &&
        list(Action).includes('sns:Publish') &&
        list((Principal as { Service?: string | string[] }).Service ?? []).includes(service),
    );
}

describe('an alarm', () => {
  it('may publish to its topic, as a service, from this account only', () => {
    const allowed = mayPublish('cloudwatch.amazonaws.com');
    assert.ok(allowed, 'the policy of the topic allows CloudWatch to publish');
    assert.deepEqual(allowed.Condition?.StringEquals, {
      'aws:SourceAccount': { Ref: 'AWS::AccountId' },
    });
    assert.match(JSON.stringify(allowed.Condition?.ArnLike), /:cloudwatch:us-east-1:.*:alarm:\*/);
  });

  it('reaches the e-mail address through that topic, whichever alarm it is', () => {
    const [topic] = Object.keys(demo.findResources('AWS::SNS::Topic'));
    const [policy] = Object.values(demo.findResources('AWS::SNS::TopicPolicy'));
    assert.deepEqual(policy?.Properties.Topics, [{ Ref: topic }]);
    demo.hasResourceProperties('AWS::SNS::Subscription', {
      Protocol: 'email',
      Endpoint: 'ops@example.com',
      TopicArn: { Ref: topic },
    });
    demo.allResourcesProperties('AWS::CloudWatch::Alarm', { AlarmActions: [{ Ref: topic }] });
  });

  it('tells of dead letters and of requests that wait', () => {
    for (const [MetricName, Threshold] of [
      ['ApproximateNumberOfMessagesVisible', 0],
      ['ApproximateAgeOfOldestMessage', 300],
    ] as const) {
      demo.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName, Threshold });
    }
  });

  it('tells that no web node is healthy, also where nothing reports any more', () => {
    const TreatMissingData = 'breaching';
    demo.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'StatusCheckFailed',
      TreatMissingData,
    });
    template({ certificateArn: CERTIFICATE }).hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'HealthyHostCount',
      ComparisonOperator: 'LessThanThreshold',
      Threshold: 1,
      TreatMissingData,
    });
  });

  it('tells of launches that fail, by words that the scaler logs', () => {
    demo.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName: 'Launches' });
    const [filter] = Object.values(
      demo.findResources('AWS::Logs::MetricFilter', {
        Properties: { MetricTransformations: [Match.objectLike({ MetricName: 'Launches' })] },
      }),
    );
    const words = [...String(filter?.Properties.FilterPattern).matchAll(/\?"([^"]+)"/g)];
    const code = readFileSync(join(import.meta.dirname, '../../scaler/loop/act.ts'), 'utf8');
    assert.equal(words.length, 2);
    for (const [, word] of words) assert.ok(code.includes(word!), word);
    assert.match(JSON.stringify(filter?.Properties.LogGroupName), /scalerLog/);
  });

  it('tells of a web tier or a scaler that ends again and again', () => {
    demo.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName: 'ServiceEnds' });
    const filters = demo.findResources('AWS::Logs::MetricFilter', {
      Properties: { MetricTransformations: [Match.objectLike({ MetricName: 'ServiceEnds' })] },
    });
    const groups = Object.values(filters).map(({ Properties }) => JSON.stringify(Properties));
    assert.equal(groups.length, 2);
    for (const name of ['web', 'scaler']) {
      assert.ok(
        groups.some((text) => text.includes(`${name}Log`)),
        name,
      );
    }
  });
});
