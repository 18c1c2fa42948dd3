/**
 * Whether an account has what the services need, before any of them starts: the identity, queues and
 * buckets, the image, the instance types, the rights to tag and to launch. Leaves nothing changed.
 */
import {
  DescribeImagesCommand,
  DescribeInstanceTypeOfferingsCommand,
  type Image,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import { HeadBucketCommand } from '@aws-sdk/client-s3';
import {
  GetQueueUrlCommand,
  ListQueueTagsCommand,
  type SQSClient,
  TagQueueCommand,
  UntagQueueCommand,
} from '@aws-sdk/client-sqs';
import { GetCallerIdentityCommand, type STSClient } from '@aws-sdk/client-sts';
import { isLoopback } from '../../cloud/aws/clients.ts';
import { cloudNames } from '../../cloud/contract/names.ts';
import type { Ec2Clients } from '../../cloud/ec2/client.ts';
import { runInput } from '../../cloud/ec2/launch-input.ts';
import { messageOf } from '../../runtime/errors.ts';
import type { Settings } from '../../runtime/settings.ts';
import { checked, codeOf } from './checked.ts';
import { type Check, right, unknown, wrong } from './finding.ts';
import { peopleBucketCheck } from './people-bucket.ts';

const MAKE_THEM = 'deploy the stack (npm run deploy:synth), or npm run provision';
const NO_SPOT_ROLE =
  'EC2 has no role for spot instances in this account yet: run aws iam create-service-linked-role --aws-service-name spot.amazonaws.com once, or give the role iam:CreateServiceLinkedRole for it.';
/** EC2's words for a dry run that would have worked. */
const WOULD_WORK = 'DryRunOperation';
/** SQS has no dry run: the right to tag is tried with a tag that means nothing. */
const TRIAL_TAG = 'elastic-face:doctor';

export interface Account extends Ec2Clients {
  readonly sts: STSClient;
}

export function accountChecks(account: Account, settings: Settings): Record<string, Check> {
  const { sqs, s3, ec2, sts } = account;
  const names = cloudNames(settings.PROJECT_ID, settings.BUCKET_SUFFIX);
  const types = settings.INSTANCE_TYPE.split(',');
  const queue = (QueueName: string): Check =>
    checked({
      ask: () => sqs.send(new GetQueueUrlCommand({ QueueName })),
      right: () => 'exists',
      codes: {
        QueueDoesNotExist: `does not exist: ${MAKE_THEM}.`,
        AccessDenied: 'access denied: the role needs sqs:GetQueueUrl.',
      },
    });
  const bucket = (Bucket: string): Check =>
    checked({
      ask: () => s3.send(new HeadBucketCommand({ Bucket })),
      right: () => 'exists and is readable',
      codes: {
        NotFound: `does not exist: ${MAKE_THEM}.`,
        '403':
          'belongs to another account, or access is denied: choose another PROJECT_ID, or ask for s3:ListBucket.',
        '301': `is not in ${settings.AWS_REGION}: check AWS_REGION.`,
      },
    });
  return {
    account: checked({
      ask: () => sts.send(new GetCallerIdentityCommand({})),
      right: ({ Account, Arn }) => `${Arn ?? 'somebody'} in account ${Account}`,
      codes: {
        CredentialsProviderError:
          'no credentials: run aws configure, set AWS_PROFILE, or use an instance role.',
        ExpiredToken: 'the credentials have expired: log in again.',
        InvalidClientTokenId: 'AWS does not know the access key: check the credentials.',
      },
    }),
    [names.requestQueue]: queue(names.requestQueue),
    [names.replyQueue]: queue(names.replyQueue),
    [names.deadLetterQueue]: queue(names.deadLetterQueue),
    [names.inBucket]: bucket(names.inBucket),
    [names.outBucket]: bucket(names.outBucket),
    [names.peopleBucket]: peopleBucketCheck(s3, names.peopleBucket, bucket(names.peopleBucket)),
    'instance types': checked({
      ask: () =>
        ec2.send(
          new DescribeInstanceTypeOfferingsCommand({
            Filters: [{ Name: 'instance-type', Values: types }],
          }),
        ),
      right: ({ InstanceTypeOfferings = [] }) => {
        const offered = new Set(InstanceTypeOfferings.map(({ InstanceType }) => `${InstanceType}`));
        const missing = types.filter((type) => !offered.has(type));
        if (missing.length === 0) return `${types.join(', ')} in ${settings.AWS_REGION}`;
        return wrong(
          `${missing.join(', ')} is not offered in ${settings.AWS_REGION}: set INSTANCE_TYPE to one that is.`,
        );
      },
      codes: { UnauthorizedOperation: 'the role needs ec2:DescribeInstanceTypeOfferings.' },
    }),
    'right to tag': tagCheck(sqs, names.requestQueue),
    image: imageCheck(account, settings),
    'right to launch': launchCheck(account, settings),
  };
}

/** The scaler claims its project with a tag of the request queue. */
function tagCheck(sqs: SQSClient, QueueName: string): Check {
  return async () => {
    let QueueUrl: string | undefined;
    try {
      ({ QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName })));
    } catch {
      return unknown(`not checked, because ${QueueName} does not exist`);
    }
    const Tags = { [TRIAL_TAG]: '' };
    const remove = () => sqs.send(new UntagQueueCommand({ QueueUrl, TagKeys: [TRIAL_TAG] }));
    const denied: string[] = [];
    const tries = {
      'sqs:ListQueueTags': () => sqs.send(new ListQueueTagsCommand({ QueueUrl })),
      'sqs:UntagQueue': remove,
      'sqs:TagQueue': async () => {
        // A tag that cannot be removed is not written.
        if (denied.includes('sqs:UntagQueue')) return;
        await sqs.send(new TagQueueCommand({ QueueUrl, Tags }));
        await remove();
      },
    };
    for (const [action, attempt] of Object.entries(tries)) {
      try {
        await attempt();
      } catch (error) {
        if (!/^AccessDenied/.test(codeOf(error))) {
          return wrong(`${action} cannot be tried: ${messageOf(error)}`);
        }
        denied.push(action);
      }
    }
    if (denied.length === 0) return right(`the tags of ${QueueName} can be read and changed`);
    return wrong(
      `the role needs ${denied.join(' and ')} on ${QueueName}: without the scaler’s claim, a second scaler with another Redis would launch instances as well.`,
    );
  };
}

function imageCheck({ ec2 }: Account, settings: Settings): Check {
  const { AMI_ID, LAUNCH_TEMPLATE_ID, AWS_ENDPOINT_URL } = settings;
  if (AMI_ID === undefined) {
    return async () => {
      if (LAUNCH_TEMPLATE_ID !== undefined) {
        return unknown(`set by the launch template ${LAUNCH_TEMPLATE_ID}`);
      }
      return AWS_ENDPOINT_URL !== undefined && isLoopback(AWS_ENDPOINT_URL)
        ? unknown('AMI_ID is not set; a local cloud needs none')
        : wrong(
            'neither AMI_ID nor LAUNCH_TEMPLATE_ID is set: bake an image (deploy/bake/bake.sh).',
          );
    };
  }
  return checked({
    ask: () => ec2.send(new DescribeImagesCommand({ ImageIds: [AMI_ID] })),
    right: ({ Images = [] }) => {
      const [image] = Images;
      if (image?.State === 'available') return `${AMI_ID}, ${image.Architecture}${diskOf(image)}`;
      return wrong(
        image === undefined
          ? `${AMI_ID} does not exist in ${settings.AWS_REGION}: an image belongs to one region.`
          : `${AMI_ID} is ${image.State}: wait until it is available.`,
      );
    },
    codes: {
      'InvalidAMIID.NotFound': `${AMI_ID} does not exist in ${settings.AWS_REGION}: an image belongs to one region.`,
      'InvalidAMIID.Malformed': `${AMI_ID} is not a valid image id.`,
      UnauthorizedOperation: 'the role needs ec2:DescribeImages.',
    },
  });
}

/** Disks of instances are as the image's own. */
function diskOf({ RootDeviceName, BlockDeviceMappings = [] }: Image): string {
  const root = BlockDeviceMappings.find(({ DeviceName }) => DeviceName === RootDeviceName);
  if (root?.Ebs === undefined) return '';
  return root.Ebs.Encrypted === true
    ? ', with an encrypted disk'
    : '. Its disk is not encrypted: copy it with aws ec2 copy-image --encrypted, or let the account encrypt new disks';
}

/** What the scaler would ask for, as a dry run: EC2 checks rights and parameters and launches nothing. */
function launchCheck({ ec2 }: Account, settings: Settings): Check {
  const { AMI_ID, LAUNCH_TEMPLATE_ID, INSTANCE_PROFILE, SECURITY_GROUP_ID } = settings;
  if (AMI_ID === undefined && LAUNCH_TEMPLATE_ID === undefined) {
    return async () => unknown('not checked, because no image is set');
  }
  const input = runInput(
    {
      numbers: [1],
      token: `doctor-${Date.now()}`,
      place: {
        instanceType: settings.INSTANCE_TYPE.split(',')[0]!,
        subnetId: settings.SUBNET_ID?.split(',')[0],
        spot: settings.SPOT !== 'no',
      },
    },
    {
      projectId: settings.PROJECT_ID,
      userData: {},
      ...(AMI_ID !== undefined && { imageId: AMI_ID }),
      ...(LAUNCH_TEMPLATE_ID !== undefined && { launchTemplateId: LAUNCH_TEMPLATE_ID }),
      ...(INSTANCE_PROFILE !== undefined && { instanceProfile: INSTANCE_PROFILE }),
      ...(SECURITY_GROUP_ID !== undefined && { securityGroupId: SECURITY_GROUP_ID }),
    },
  );
  return async () => {
    try {
      await ec2.send(new RunInstancesCommand({ ...input, DryRun: true }));
      return wrong('EC2 ignored the dry run: check whether an instance was launched.');
    } catch (error) {
      const code = codeOf(error);
      if (code === WOULD_WORK) return right('a dry run of a launch succeeds');
      if (code.startsWith('AuthFailure.ServiceLinkedRole')) return wrong(NO_SPOT_ROLE);
      return wrong(
        code === 'UnauthorizedOperation'
          ? 'the role may not launch: it needs ec2:RunInstances and ec2:CreateTags, and iam:PassRole for INSTANCE_PROFILE.'
          : `a dry run of a launch is refused: ${messageOf(error)}`,
      );
    }
  };
}
