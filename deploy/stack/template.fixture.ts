/** The template of a project with given options, for tests that look into it. */
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { readStackOptions } from './options.ts';
import { createStack } from './stack.ts';

export const CERTIFICATE = 'arn:aws:acm:us-east-1:123456789012:certificate/1f2e';

export interface Statement {
  Effect: 'Allow' | 'Deny';
  Action: string | string[];
  Principal?: unknown;
  Resource: unknown;
  Condition?: Record<string, Record<string, unknown>>;
}

export function template(given: Record<string, unknown> = {}): Template {
  const options = readStackOptions({
    id: 'demo',
    plainHttp: given.certificateArn === undefined,
    ...given,
  });
  return Template.fromStack(createStack(new App(), options).stack);
}

export const list = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);

/** Every statement that a role of the stack has, inline or by a managed policy that is attached to it. */
export function statementsOf(of: Template, role: 'Worker' | 'Web'): Statement[] {
  const roles = Object.entries(of.findResources('AWS::IAM::Role'));
  const managed = of.findResources('AWS::IAM::ManagedPolicy');
  return roles
    .filter(([name]) => name.startsWith(`Roles${role}Role`))
    .flatMap(([, { Properties }]) => [
      ...(Properties.Policies as { PolicyDocument: { Statement: Statement[] } }[]),
      ...((Properties.ManagedPolicyArns ?? []) as { Ref: string }[]).map(
        ({ Ref }) => managed[Ref]?.Properties as { PolicyDocument: { Statement: Statement[] } },
      ),
    ])
    .flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
}

/** The ranges from which strangers may connect, with the port. */
export function openPorts(of: Template): [string, number][] {
  return Object.values(of.findResources('AWS::EC2::SecurityGroup'))
    .flatMap(
      ({ Properties }) =>
        (Properties.SecurityGroupIngress ?? []) as { CidrIp?: string; FromPort: number }[],
    )
    .flatMap(({ CidrIp, FromPort }): [string, number][] =>
      CidrIp === undefined ? [] : [[CidrIp, FromPort]],
    );
}
