/** The stack's roles, with the documents of the synthesised template, every reference in them resolved. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DeleteRouteTableCommand,
  DescribeRouteTablesCommand,
  DisassociateRouteTableCommand,
  type EC2Client,
} from '@aws-sdk/client-ec2';
import type { PolicyDocument } from './policy.fixture.ts';

export const ACCOUNT = '123456789012';
export const REGION = 'us-east-1';

interface Resource {
  readonly Type: string;
  readonly Properties?: Record<string, unknown>;
}

export interface StackTemplate {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Parameters?: Readonly<Record<string, { readonly Default?: string }>>;
  readonly Outputs?: unknown;
}

/** One that moto has from the start. */
export const IMAGE = 'ami-12c6146b';

/** What a first deployment gives the template. */
export const PARAMETERS: Readonly<Record<string, string>> = {
  WorkerImage: IMAGE,
  WebImage: IMAGE,
  ApiKeys: `client:${'0'.repeat(43)}`,
  AdminKeyHash: '0'.repeat(43),
  BucketNames: 'account-region',
};

/**
 * For CloudFormation. moto cannot read an attribute that an output names, so outputs are left out, and takes the
 * tags of a parameter, a map in CloudFormation, for a list.
 */
export function stackInput({ Outputs: _, ...template }: StackTemplate) {
  const Resources = Object.fromEntries(
    Object.entries(template.Resources).map(([id, { Properties = {}, ...resource }]) => {
      const { Tags: __, ...untagged } = Properties;
      const isParameter = resource.Type === 'AWS::SSM::Parameter';
      return [id, { ...resource, Properties: isParameter ? untagged : Properties }];
    }),
  );
  return {
    TemplateBody: JSON.stringify({ ...template, Resources }),
    Capabilities: ['CAPABILITY_IAM' as const],
    Parameters: Object.keys(template.Parameters ?? {}).flatMap((ParameterKey) => {
      const ParameterValue = PARAMETERS[ParameterKey];
      return ParameterValue === undefined ? [] : [{ ParameterKey, ParameterValue }];
    }),
  };
}

/** As `deploy synth` writes it. */
export async function synthesized(given: Record<string, unknown>): Promise<StackTemplate> {
  const [{ synthesize }, { readStackOptions }] = await Promise.all([
    import('../../deploy/stack/stack.ts'),
    import('../../deploy/stack/options.ts'),
  ]);
  const folder = mkdtempSync(join(tmpdir(), 'elastic-face-roles-'));
  try {
    const file = synthesize(readStackOptions(given), folder);
    return JSON.parse(readFileSync(file, 'utf8')) as StackTemplate;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Names that a cloud gave to resources, by their logical ids; where it gave none, the template's own. */
export type PhysicalIds = ReadonlyMap<string, string>;

/** Those of a role, by the beginning of its logical id, e.g. `RolesWebRole`. */
export function roleOf(
  { Resources }: StackTemplate,
  beginning: string,
): { id: string; role: Resource } {
  const found = Object.entries(Resources).filter(
    ([id, { Type }]) => Type === 'AWS::IAM::Role' && id.startsWith(beginning),
  );
  const [first] = found;
  if (first === undefined || found.length > 1)
    throw new Error(`${found.length} roles ${beginning}…`);
  return { id: first[0], role: first[1] };
}

/**
 * Every document that a role has by the template, inline and managed.
 * @param parameters of the stack
 */
export function documentsOf(
  template: StackTemplate,
  beginning: string,
  ids: PhysicalIds,
  parameters: Readonly<Record<string, string>> = {},
): PolicyDocument[] {
  const { id, role } = roleOf(template, beginning);
  const properties = role.Properties ?? {};
  const inline = (properties.Policies ?? []) as { PolicyDocument: unknown }[];
  const byRole = Object.values(template.Resources).filter(
    ({ Type, Properties = {} }) =>
      /^AWS::IAM::(?:Managed)?Policy$/.test(Type) && refersTo(Properties.Roles, id),
  );
  const byArn = ((properties.ManagedPolicyArns ?? []) as unknown[]).flatMap((arn) => {
    const own = Object.entries(template.Resources).find(([name]) => refersTo(arn, name));
    // AWS's own policies, e.g. the one for its SSM agent, are AWS's to judge.
    return own === undefined ? [] : [own[1]];
  });
  const documents = [
    ...inline.map(({ PolicyDocument }) => PolicyDocument),
    ...[...byRole, ...byArn].map(({ Properties = {} }) => Properties.PolicyDocument),
  ];
  return documents.map(
    (document) => resolved(document, template, ids, parameters) as PolicyDocument,
  );
}

function refersTo(value: unknown, id: string): boolean {
  return JSON.stringify(value ?? '').includes(`{"Ref":"${id}"}`);
}

function resolved(
  value: unknown,
  template: StackTemplate,
  ids: PhysicalIds,
  parameters: Readonly<Record<string, string>>,
): unknown {
  const of = (one: unknown): unknown => resolved(one, template, ids, parameters);
  if (Array.isArray(value)) return value.map(of);
  if (typeof value !== 'object' || value === null) return value;
  const [[name, argument] = ['', undefined], ...others] = Object.entries(value);
  if (others.length === 0) {
    if (name === 'Ref') return referenced(argument as string, template, ids, parameters);
    if (name === 'Fn::Join') {
      const [by, parts] = argument as [string, unknown[]];
      return parts.map(of).join(by);
    }
    if (name === 'Fn::GetAtt') {
      const [id, attribute] = argument as [string, string];
      if (attribute === 'Arn') return arnOf(id, template, ids);
      throw new Error(`a policy with ${id}.${attribute} cannot be resolved`);
    }
    if (name.startsWith('Fn::')) throw new Error(`a policy with ${name} cannot be resolved`);
  }
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, of(one)]));
}

function referenced(
  id: string,
  { Resources, Parameters }: StackTemplate,
  ids: PhysicalIds,
  parameters: Readonly<Record<string, string>>,
): string {
  const pseudo: Readonly<Record<string, string>> = {
    'AWS::Partition': 'aws',
    'AWS::Region': REGION,
    'AWS::AccountId': ACCOUNT,
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::StackId': `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/demo/0`,
  };
  const found =
    pseudo[id] ??
    parameters[id] ??
    ids.get(id) ??
    Parameters?.[id]?.Default ??
    (Resources[id] === undefined ? undefined : nameIn(Resources[id], id));
  if (found === undefined) throw new Error(`the template's ${id} has no value`);
  return found;
}

function nameIn({ Properties = {} }: Resource, id: string): string {
  const name = Properties.BucketName ?? Properties.QueueName ?? Properties.RoleName;
  return typeof name === 'string' ? name : `physical-${id}`;
}

function arnOf(id: string, template: StackTemplate, ids: PhysicalIds): string {
  const resource = template.Resources[id];
  if (resource === undefined) throw new Error(`the template has no ${id}`);
  // A queue's physical id is its address.
  const name = (ids.get(id) ?? nameIn(resource, id)).split('/').at(-1) ?? '';
  const arns: Readonly<Record<string, string>> = {
    'AWS::S3::Bucket': `arn:aws:s3:::${name}`,
    'AWS::SQS::Queue': `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}`,
    'AWS::IAM::Role': `arn:aws:iam::${ACCOUNT}:role/${name}`,
    'AWS::Logs::LogGroup': `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:${name}:*`,
  };
  const arn = arns[resource.Type];
  if (arn === undefined) throw new Error(`no rule for the ARN of ${resource.Type}`);
  return arn;
}

/** Who may take on a role, by the beginning of its logical id. */
export function trustOf(template: StackTemplate, beginning: string): unknown {
  return roleOf(template, beginning).role.Properties?.AssumeRolePolicyDocument;
}

/** moto's CloudFormation deletes no route table, and so no VPC: done for it. */
export async function deleteRouteTables(ec2: EC2Client): Promise<void> {
  const { RouteTables = [] } = await ec2.send(new DescribeRouteTablesCommand({}));
  for (const { RouteTableId, Associations = [] } of RouteTables) {
    if (Associations.some(({ Main }) => Main)) continue;
    for (const { RouteTableAssociationId: AssociationId } of Associations) {
      await ec2.send(new DisassociateRouteTableCommand({ AssociationId }));
    }
    await ec2.send(new DeleteRouteTableCommand({ RouteTableId }));
  }
}
