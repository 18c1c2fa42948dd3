/**
 * Takes a project off AWS so that nothing of it costs any more: the instances that the stack does not
 * know, what buckets hold, then the stack. Everything is found by the project's own names and tag.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type CloudFormationClient,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import {
  type Instance,
  paginateDescribeInstances,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import {
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { emptyBucket, listKeys } from '../cloud/aws/inspection.ts';
import { bucketOwnerOf } from '../cloud/aws/s3/bucket-owner.ts';
import { cloudNames, PROJECT_TAG } from '../cloud/contract/names.ts';
import type { Ec2Clients } from '../cloud/ec2/client.ts';
import { errorClass, messageOf } from '../runtime/errors.ts';

const LOOK_EVERY_MS = 2000;
/** An instance shuts down within a minute or two; a stack with a cache or balancer takes longer. */
const INSTANCES_MS = 10 * 60_000;
const STACK_MS = 45 * 60_000;
/** Every state in which an instance, or its disk, is paid for. */
const LIVING = ['pending', 'running', 'shutting-down', 'stopping', 'stopped'];

/** Something could not be taken away. */
export class DestroyError extends errorClass('destroy') {}

export interface DestroyParts {
  readonly clients: Ec2Clients;
  readonly cloudFormation: CloudFormationClient;
  readonly say: (sentence: string) => void;
  readonly lookEveryMs?: number;
}

export function stackName(id: string): string {
  return `elastic-face-${id}`;
}

/** What is there of a project, in words; empty when nothing is. */
export async function inventory(id: string, parts: DestroyParts): Promise<string[]> {
  const { clients, cloudFormation } = parts;
  const found: string[] = [];
  const status = await stackStatus(cloudFormation, stackName(id));
  if (status !== undefined) found.push(`the stack ${stackName(id)} (${status})`);
  const instances = await instancesOf(id, clients);
  if (instances.length > 0) found.push(`${instances.length} instance(s)`);
  for (const bucket of await bucketsOf(id, clients)) {
    const keys = await ownKeys(clients.s3, bucket);
    if (keys !== undefined) found.push(`the bucket ${bucket} with ${keys.length} object(s)`);
  }
  return found;
}

/**
 * The web instance goes first, since the scaler on it would launch others; then the workers, which hold
 * the stack's network; then what the buckets hold, which CloudFormation would not delete; then the stack.
 * @throws {DestroyError} when a part stays, saying which and what to do
 */
export async function destroy(id: string, parts: DestroyParts): Promise<void> {
  const { clients, cloudFormation, say } = parts;
  const living = await instancesOf(id, clients);
  const isWeb = (instance: Instance): boolean => tagOf(instance, 'Name') === 'web-instance';
  for (const group of [living.filter(isWeb), living.filter((one) => !isWeb(one))]) {
    await terminate(group, clients);
  }
  if (living.length > 0) await gone(id, parts);
  say(`Terminated ${living.length} instance(s).`);
  for (const bucket of await bucketsOf(id, clients)) {
    if ((await ownKeys(clients.s3, bucket)) === undefined) continue;
    const objects =
      (await emptyBucket(clients.s3, bucket)) + (await emptyHidden(clients.s3, bucket));
    say(`Deleted ${objects} object(s) of ${bucket}.`);
  }
  const name = stackName(id);
  if ((await stackStatus(cloudFormation, name)) === undefined) {
    say(`There is no stack ${name}.`);
    return;
  }
  await cloudFormation.send(new DeleteStackCommand({ StackName: name }));
  await stackGone(name, parts);
  say(`Deleted the stack ${name}.`);
}

/** By the stack's names with the account's suffix, with and without the region, and by the course's names. */
async function bucketsOf(id: string, { s3 }: Ec2Clients): Promise<string[]> {
  const account = await bucketOwnerOf(s3);
  const ofAccount =
    account === undefined ? [] : [`${account}-${await s3.config.region()}`, account];
  return [...ofAccount, undefined].flatMap((suffix) => {
    const { inBucket, outBucket, peopleBucket } = cloudNames(id, suffix);
    return [inBucket, outBucket, peopleBucket];
  });
}

/**
 * Undefined where there is no bucket of this name, or it is a stranger's, or lies in another region, where the
 * same id may have another stack.
 */
async function ownKeys(s3: S3Client, bucket: string): Promise<string[] | undefined> {
  try {
    return await listKeys(s3, bucket);
  } catch (error) {
    if (error instanceof S3ServiceException && isNotOurs(error)) return undefined;
    throw error;
  }
}

/** S3 sends a client on with 301, or says which region it expected. */
function isNotOurs({ name, $metadata }: S3ServiceException): boolean {
  return (
    $metadata.httpStatusCode === 403 ||
    $metadata.httpStatusCode === 301 ||
    name === 'IllegalLocationConstraintException' ||
    name === 'AuthorizationHeaderMalformed'
  );
}

async function instancesOf(id: string, { ec2 }: Ec2Clients): Promise<Instance[]> {
  const found: Instance[] = [];
  const Filters = [
    { Name: `tag:${PROJECT_TAG}`, Values: [id] },
    { Name: 'instance-state-name', Values: LIVING },
  ];
  for await (const { Reservations = [] } of paginateDescribeInstances(
    { client: ec2 },
    { Filters },
  )) {
    found.push(...Reservations.flatMap(({ Instances = [] }) => Instances));
  }
  return found;
}

function tagOf({ Tags = [] }: Instance, key: string): string | undefined {
  return Tags.find(({ Key }) => Key === key)?.Value;
}

async function terminate(instances: readonly Instance[], { ec2 }: Ec2Clients): Promise<void> {
  const InstanceIds = instances.flatMap(({ InstanceId }) => InstanceId ?? []);
  if (InstanceIds.length > 0) await ec2.send(new TerminateInstancesCommand({ InstanceIds }));
}

/** Whatever was launched in the last moment is terminated too. */
async function gone(
  id: string,
  { clients, lookEveryMs = LOOK_EVERY_MS }: DestroyParts,
): Promise<void> {
  const end = performance.now() + INSTANCES_MS;
  for (;;) {
    const left = await instancesOf(id, clients);
    if (left.length === 0) return;
    if (performance.now() > end) {
      throw new DestroyError(
        `${left.length} instance(s) still exist after ${INSTANCES_MS / 60_000} minutes, e.g. ${left[0]?.InstanceId}: is termination protection on? Run the command again.`,
      );
    }
    await terminate(
      left.filter(({ State }) => State?.Name !== 'shutting-down'),
      clients,
    );
    await delay(lookEveryMs);
  }
}

/** Old versions, delete marks and uploads that were never finished; each is stored and paid for. */
async function emptyHidden(s3: S3Client, Bucket: string): Promise<number> {
  let count = 0;
  for (;;) {
    // Each page is deleted, so that the first is always the next.
    const page = await s3.send(new ListObjectVersionsCommand({ Bucket }));
    const all = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])];
    const Objects = all.map(({ Key, VersionId }) => ({ Key, VersionId }));
    if (Objects.length === 0) break;
    const { Errors = [] } = await s3.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }),
    );
    if (Errors.length > 0) {
      throw new DestroyError(
        `The bucket '${Bucket}' still has ${Errors.length} old versions: ${Errors[0]?.Message ?? ''}`,
      );
    }
    count += Objects.length;
  }
  const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket }));
  for (const { Key, UploadId } of Uploads) {
    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  }
  return count + Uploads.length;
}

async function stackStatus(
  cloudFormation: CloudFormationClient,
  StackName: string,
): Promise<string | undefined> {
  try {
    const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
    const status = Stacks[0]?.StackStatus;
    return status === 'DELETE_COMPLETE' ? undefined : status;
  } catch (error) {
    // CloudFormation has no code of its own for a stack that is not there.
    if (error instanceof Error && /does not exist/.test(error.message)) return undefined;
    throw new DestroyError(
      `Cannot describe ${StackName} in CloudFormation (${messageOf(error)}): check the credentials, --region and AWS_ENDPOINT_URL.`,
      {
        cause: error,
      },
    );
  }
}

async function stackGone(
  name: string,
  { cloudFormation, lookEveryMs = LOOK_EVERY_MS }: DestroyParts,
): Promise<void> {
  const end = performance.now() + STACK_MS;
  for (;;) {
    const status = await stackStatus(cloudFormation, name);
    if (status === undefined) return;
    if (status === 'DELETE_FAILED' || performance.now() > end) {
      const { StackEvents = [] } = await cloudFormation.send(
        new DescribeStackEventsCommand({ StackName: name }),
      );
      const failed = StackEvents.find(({ ResourceStatus }) => ResourceStatus === 'DELETE_FAILED');
      throw new DestroyError(
        `The stack ${name} is ${status}: ${failed?.LogicalResourceId ?? 'a part of it'} stays${failed?.ResourceStatusReason ? ` (${failed.ResourceStatusReason})` : ''}. Remove what holds it and run the command again.`,
      );
    }
    await delay(lookEveryMs);
  }
}
