import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { type OperatorPolicy, operatorPolicies } from './operator-policies.ts';

const run = promisify(execFile);

describe('policies for operators', () => {
  const all = Object.entries(operatorPolicies('demo', 'eu-central-1'));
  const statements = (policies: readonly [string, OperatorPolicy][]) =>
    policies.flatMap(([, { Statement }]) => Statement);

  it('name this project’s things in this region, and all only where IAM knows nothing narrower', () => {
    for (const { Action, Resource, Condition } of statements(all)) {
      for (const resource of Resource) {
        const narrow =
          /:demo-|elastic-face-demo|elastic-face\/demo\//.test(resource) || Condition !== undefined;
        assert.ok(narrow || Action.every((one) => one.startsWith('ec2:Describe')), `${Action}`);
        assert.ok(!/:(?:sqs|ec2|cloudformation):(?!eu-central-1:)/.test(resource), resource);
      }
    }
  });

  it('let no command but destroy delete, terminate or read what people sent', () => {
    const others = all.filter(([command]) => command !== 'destroy');
    const actions = statements(all).flatMap(({ Action }) => Action);
    const harmless = statements(others).flatMap(({ Action }) => Action);
    assert.ok(!harmless.some((action) => /Delete|Terminate|Purge|RunInstances/.test(action)));
    assert.ok(!actions.some((action) => /GetObject$|ReceiveMessage|PutObject$/.test(action)));
  });

  it('are written for the partition of the region', () => {
    const text = JSON.stringify(operatorPolicies('demo', 'cn-north-1'));
    assert.match(text, /arn:aws-cn:sqs:cn-north-1:/);
    assert.doesNotMatch(text, /arn:aws:/);
  });

  it('are printed by the command line', async () => {
    const { stdout } = await run(process.execPath, [
      'elastic-face.ts',
      'deploy',
      'policies',
      '--id',
      'demo',
    ]);
    assert.deepEqual(Object.keys(JSON.parse(stdout)), ['provision', 'doctor', 'destroy']);
  });
});
