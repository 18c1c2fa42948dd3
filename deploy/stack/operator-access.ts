/**
 * How an operator sees into instances: their journals in CloudWatch Logs, and a shell through Session Manager.
 * Each role may write to the logs of its own services only. A shell needs no open port: the agent of the image
 * connects outwards.
 */
import { RemovalPolicy } from 'aws-cdk-lib';
import { ManagedPolicy, PolicyDocument, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { StackOptions } from './options.ts';
import type { Roles } from './roles.ts';

/** `system` has what concerns the machine: kernel, cloud-init, Redis. */
const GROUPS = ['web', 'worker', 'scaler', 'system'] as const;
type GroupName = (typeof GROUPS)[number];
export type LogGroups = Readonly<Record<GroupName, LogGroup>>;

export class OperatorAccess extends Construct {
  readonly groups: LogGroups;

  constructor(scope: Construct, { options, roles }: { options: StackOptions; roles: Roles }) {
    super(scope, 'OperatorAccess');
    const entries = GROUPS.map((name): [GroupName, LogGroup] => [
      name,
      new LogGroup(this, `${name}Log`, {
        logGroupName: `/elastic-face/${options.id}/${name}`,
        retention: options.logDays,
        removalPolicy: RemovalPolicy.DESTROY,
      }),
    ]);
    this.groups = Object.fromEntries(entries) as Record<GroupName, LogGroup>;
    this.#allow('Worker', roles.worker, ['worker', 'system']);
    this.#allow('Web', roles.web, ['web', 'scaler', 'system']);
  }

  #allow(name: string, role: Role, groups: readonly GroupName[]): void {
    const statements = [
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: groups.map((group) => this.groups[group].logGroupArn),
      }),
      // AWS's own policy for this also reads every parameter of the account.
      new PolicyStatement({
        actions: [
          'ssm:UpdateInstanceInformation',
          'ssmmessages:CreateControlChannel',
          'ssmmessages:CreateDataChannel',
          'ssmmessages:OpenControlChannel',
          'ssmmessages:OpenDataChannel',
        ],
        resources: ['*'],
      }),
    ];
    role.addManagedPolicy(
      new ManagedPolicy(this, name, { document: new PolicyDocument({ statements }) }),
    );
  }
}
