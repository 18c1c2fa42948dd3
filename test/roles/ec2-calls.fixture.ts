/** Which accesses a call to EC2 needs: a launch needs one for every resource that it touches. */
import type { Access } from './policy.fixture.ts';

/** What a judge has to look up, since the call does not say it. */
export interface Surroundings {
  readonly region: string;
  readonly account: string;
  /** Tags of an instance; none where there is no such instance. */
  tagsOf(instanceId: string): Promise<Readonly<Record<string, string>>>;
  /** What a launch template brings into a launch. */
  template(id: string): Promise<LaunchTemplate | undefined>;
  /** The role in an instance profile, by the profile's name. */
  roleOf(profile: string): Promise<string | undefined>;
}

export interface LaunchTemplate {
  readonly image?: string | undefined;
  readonly securityGroups: readonly string[];
  /** Name of its instance profile. */
  readonly profile?: string | undefined;
}

type Tags = Readonly<Record<string, string>>;

export async function ec2Accesses(form: URLSearchParams, around: Surroundings): Promise<Access[]> {
  const operation = form.get('Action') ?? '';
  const action = `ec2:${operation}`;
  const arn = (what: string): string => `arn:aws:ec2:${around.region}:${around.account}:${what}`;
  // EC2 knows no resource for what it only describes.
  if (/^Describe/.test(operation)) return [{ action, resource: '*', context: {} }];
  switch (operation) {
    case 'RunInstances':
      return launchAccesses(form, around, arn);
    case 'TerminateInstances':
    case 'StopInstances':
    case 'StartInstances':
      return Promise.all(
        numbered(form, 'InstanceId').map(async (id) => ({
          action,
          resource: arn(`instance/${id}`),
          context: resourceTags(await around.tagsOf(id)),
        })),
      );
    case 'CreateTags': {
      const tags = tagsAt(form, 'Tag');
      return Promise.all(
        numbered(form, 'ResourceId').map(async (id) => ({
          action,
          resource: arn(`${id.startsWith('i-') ? 'instance' : 'volume'}/${id}`),
          context: { ...resourceTags(await around.tagsOf(id)), ...requestTags(tags) },
        })),
      );
    }
    default:
      throw new Error(`no rule for ${action}`);
  }
}

async function launchAccesses(
  form: URLSearchParams,
  around: Surroundings,
  arn: (what: string) => string,
): Promise<Access[]> {
  const templateId = form.get('LaunchTemplate.LaunchTemplateId');
  const template = templateId === null ? undefined : await around.template(templateId);
  const fromTemplate: Access['context'] =
    templateId === null ? {} : { 'ec2:LaunchTemplate': arn(`launch-template/${templateId}`) };
  const run = (resource: string, more: Access['context'] = {}): Access => ({
    action: 'ec2:RunInstances',
    resource,
    context: { ...fromTemplate, ...more },
  });
  const named = numbered(form, 'SecurityGroupId');
  const groups = named.length > 0 ? named : (template?.securityGroups ?? []);
  const image = form.get('ImageId') ?? template?.image ?? 'ami-missing';
  const profile =
    form.get('IamInstanceProfile.Name') ??
    form.get('IamInstanceProfile.Arn')?.split('/').at(-1) ??
    template?.profile;
  const specifications = tagSpecifications(form);
  const tagged = (kind: string): Access['context'] => requestTags(specifications.get(kind) ?? {});
  const accesses = [
    run(arn('instance/*'), tagged('instance')),
    run(arn('volume/*'), tagged('volume')),
    run(arn('network-interface/*')),
    run(arn(`subnet/${form.get('SubnetId') ?? 'subnet-default'}`)),
    ...(groups.length > 0 ? groups : ['sg-default']).map((id) => run(arn(`security-group/${id}`))),
    run(`arn:aws:ec2:${around.region}::image/${image}`),
    ...(templateId === null ? [] : [run(arn(`launch-template/${templateId}`))]),
    // AWS lists no ec2:LaunchTemplate for it.
    ...(form.get('InstanceMarketOptions.MarketType') === 'spot'
      ? [{ action: 'ec2:RunInstances', resource: arn('spot-instances-request/*'), context: {} }]
      : []),
    ...(form.has('KeyName') ? [run(arn(`key-pair/${form.get('KeyName')}`))] : []),
    ...[...specifications].map(([kind, tags]) => ({
      action: 'ec2:CreateTags',
      resource: arn(`${kind}/*`),
      context: { 'ec2:CreateAction': 'RunInstances', ...requestTags(tags) },
    })),
  ];
  const role = profile === undefined ? undefined : await around.roleOf(profile);
  if (role !== undefined) {
    const context = { 'iam:PassedToService': 'ec2.amazonaws.com' };
    accesses.push({ action: 'iam:PassRole', resource: role, context });
  }
  return accesses;
}

function resourceTags(tags: Tags): Access['context'] {
  return Object.fromEntries(
    Object.entries(tags).map(([key, value]) => [`aws:ResourceTag/${key}`, value]),
  );
}

function requestTags(tags: Tags): Access['context'] {
  if (Object.keys(tags).length === 0) return {};
  return {
    ...Object.fromEntries(
      Object.entries(tags).map(([key, value]) => [`aws:RequestTag/${key}`, value]),
    ),
    'aws:TagKeys': Object.keys(tags),
  };
}

function numbered(form: URLSearchParams, name: string): string[] {
  return [...form].filter(([key]) => new RegExp(`^${name}\\.\\d+$`).test(key)).map(([, id]) => id);
}

function tagsAt(form: URLSearchParams, prefix: string): Tags {
  const tags: Record<string, string> = {};
  for (let at = 1; form.has(`${prefix}.${at}.Key`); at += 1) {
    tags[form.get(`${prefix}.${at}.Key`) ?? ''] = form.get(`${prefix}.${at}.Value`) ?? '';
  }
  return tags;
}

function tagSpecifications(form: URLSearchParams): Map<string, Tags> {
  const found = new Map<string, Tags>();
  for (let at = 1; form.has(`TagSpecification.${at}.ResourceType`); at += 1) {
    const kind = form.get(`TagSpecification.${at}.ResourceType`) ?? '';
    found.set(kind, tagsAt(form, `TagSpecification.${at}.Tag`));
  }
  return found;
}
