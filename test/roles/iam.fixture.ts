/** moto's IAM by its HTTP interface, for what a test has to set up there; the SDK's IAM client is not needed otherwise. */

import { list, type PolicyDocument, type Statement } from './policy.fixture.ts';
import { ACCOUNT } from './stack-roles.fixture.ts';

const ADMINISTRATOR = 'administrator';
/** What a launch template's role is for; moto knows it only for users and roles. */
const TRUST = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Action: 'sts:AssumeRole',
      Principal: { AWS: `arn:aws:iam::${ACCOUNT}:user/${ADMINISTRATOR}` },
    },
  ],
};

export interface MotoIam {
  /** Role ARNs by the names of their instance profiles. */
  profiles(): Promise<ReadonlyMap<string, string>>;
  /** Creates the role where it is missing, and gives it the documents as moto can read them. */
  putRole(name: string, documents: readonly PolicyDocument[]): Promise<void>;
  makeAdministrator(): Promise<{ accessKeyId: string; secretAccessKey: string }>;
  /** From now on, moto checks signatures, session tokens and policies. */
  requireSignatures(): Promise<void>;
}

export function iamOfMoto(url: string): MotoIam {
  const call = async (Action: string, input: Record<string, string> = {}): Promise<string> => {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        // moto finds the service in the scope of the credentials; it checks no signature yet.
        Authorization:
          'AWS4-HMAC-SHA256 Credential=x/20261130/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=x',
      },
      body: new URLSearchParams({ Action, Version: '2010-05-08', ...input }),
    });
    const text = await response.text();
    if (!response.ok && !text.includes('EntityAlreadyExists'))
      throw new Error(`${Action}: ${text}`);
    return text;
  };
  const put = (RoleName: string, PolicyName: string, document: PolicyDocument) =>
    call('PutRolePolicy', { RoleName, PolicyName, PolicyDocument: JSON.stringify(document) });
  return {
    async profiles() {
      const text = await call('ListInstanceProfiles');
      return new Map(
        [...text.matchAll(/<InstanceProfileName>(.*?)<\/InstanceProfileName>/g)].map(
          ({ 1: name = '', index }): [string, string] => {
            const member = memberAround(text, index);
            return [name, /<Arn>(arn:aws:iam::\d+:role\/.*?)<\/Arn>/.exec(member)?.[1] ?? ''];
          },
        ),
      );
    },
    async putRole(name, documents) {
      const trust = JSON.stringify(TRUST);
      await call('CreateRole', { RoleName: name, AssumeRolePolicyDocument: trust });
      await call('UpdateAssumeRolePolicy', { RoleName: name, PolicyDocument: trust });
      for (const [at, document] of documents.entries()) await put(name, `own-${at}`, document);
      await put(name, 'unread-by-moto', unreadByMoto(documents));
    },
    async makeAdministrator() {
      const UserName = ADMINISTRATOR;
      await call('CreateUser', { UserName });
      await call('PutUserPolicy', {
        UserName,
        PolicyName: 'all',
        PolicyDocument: JSON.stringify({
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
        }),
      });
      const text = await call('CreateAccessKey', { UserName });
      const read = (name: string): string =>
        new RegExp(`<${name}>(.*?)</${name}>`).exec(text)?.[1] ?? '';
      return { accessKeyId: read('AccessKeyId'), secretAccessKey: read('SecretAccessKey') };
    },
    async requireSignatures() {
      await fetch(`${url}/moto-api/reset-auth`, { method: 'POST', body: '0' });
    },
  };
}

/** The profile's own entry: up to the next profile. */
function memberAround(text: string, at: number): string {
  const before = text.lastIndexOf('<member>', at);
  const next = text.indexOf('<InstanceProfileName>', at + 1);
  return text.slice(before, next === -1 ? undefined : text.lastIndexOf('<member>', next));
}

/**
 * Grants, of what the documents grant, what moto 5.2 would refuse since it reads a call in another way
 * than IAM does. What it widens is judged by the judge in front alone.
 */
export function unreadByMoto(documents: readonly PolicyDocument[]): PolicyDocument {
  const statements = documents.flatMap(({ Statement: all }) => all);
  const widened = statements.flatMap((statement): Statement[] => {
    const actions = list(statement.Action);
    const resources = list(statement.Resource ?? '*');
    const allow = (Action: string[], Resource: readonly string[]): Statement[] =>
      Action.length === 0 ? [] : [{ Effect: 'Allow', Action, Resource }];
    const of = (service: string) => actions.filter((action) => action.startsWith(`${service}:`));
    return [
      // EC2 and CloudFormation: moto knows no resource of a call, and evaluates no condition.
      ...allow([...of('ec2'), ...of('cloudformation')], ['*']),
      // It takes a batch for an action of its own.
      ...allow(
        of('sqs')
          .filter((action) => /Message(?:Visibility)?$/.test(action))
          .map((action) => `${action}Batch`),
        resources,
      ),
      // It looks for a queue's name in the address only, and takes a queue that is not there for all.
      ...allow(
        of('sqs').filter((action) => /GetQueueUrl|CreateQueue/.test(action)),
        ['*'],
      ),
      // It calls HeadBucket an action, and judges the deletion of several objects by their bucket.
      ...allow(actions.includes('s3:ListBucket') ? ['s3:HeadBucket'] : [], resources),
      ...allow(
        of('s3').filter((action) => action === 's3:DeleteObject'),
        resources.map((resource) => resource.replace(/\/.*$/, '')),
      ),
    ];
  });
  return { Version: '2012-10-17', Statement: widened };
}
