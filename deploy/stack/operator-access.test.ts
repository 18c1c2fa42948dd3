import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { list, statementsOf, template } from './template.fixture.ts';

const demo = template();
const ROLES = ['Worker', 'Web'] as const;

/** The log groups that a role may write to, by their last part. */
function writes(role: (typeof ROLES)[number]): string[] {
  const groups = demo.findResources('AWS::Logs::LogGroup');
  return statementsOf(demo, role)
    .filter(({ Action }) => list(Action).includes('logs:PutLogEvents'))
    .flatMap(({ Action, Resource }) => {
      assert.deepEqual(list(Action).sort(), ['logs:CreateLogStream', 'logs:PutLogEvents']);
      return list(Resource as { 'Fn::GetAtt': [string] });
    })
    .map((resource) => String(groups[resource['Fn::GetAtt'][0]]?.Properties.LogGroupName));
}

describe('an operator', () => {
  it('gets a shell on every instance through Session Manager, with no port open for it', () => {
    for (const role of ROLES) {
      const actions = statementsOf(demo, role).flatMap(({ Action }) => list(Action));
      for (const action of [
        'ssm:UpdateInstanceInformation',
        'ssmmessages:CreateControlChannel',
        'ssmmessages:CreateDataChannel',
        'ssmmessages:OpenControlChannel',
        'ssmmessages:OpenDataChannel',
      ]) {
        assert.ok(actions.includes(action), `${role}: ${action}`);
      }
      const reading = statementsOf(demo, role).filter(({ Action }) =>
        list(Action).some((action) => action.startsWith('ssm:GetParameter')),
      );
      const resources = JSON.stringify(reading.flatMap(({ Resource }) => list(Resource)));
      assert.doesNotMatch(resources, /\*/, role);
      assert.match(resources, /parameter\/elastic-face\/demo\/settings/, 'its own settings only');
    }
    assert.doesNotMatch(JSON.stringify(demo.toJSON()), /"FromPort":22\b/);
  });

  it('reads the journal of every instance, which each role writes to its own groups', () => {
    assert.deepEqual(writes('Worker'), ['/elastic-face/demo/worker', '/elastic-face/demo/system']);
    assert.deepEqual(writes('Web'), [
      '/elastic-face/demo/web',
      '/elastic-face/demo/scaler',
      '/elastic-face/demo/system',
    ]);
  });

  it('finds no log older than was asked for, and none after the stack', () => {
    template({ logDays: '7' }).allResourcesProperties('AWS::Logs::LogGroup', {
      RetentionInDays: 7,
    });
    demo.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
    demo.allResources('AWS::Logs::LogGroup', { DeletionPolicy: 'Delete' });
    assert.throws(() => template({ logDays: '8' }), /logDays must be one of 1, 3, 5, 7/);
  });
});
