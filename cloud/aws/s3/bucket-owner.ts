/**
 * The account that every bucket has to belong to. Bucket names are global: without this, a bucket of a
 * stranger with the right name would get people's faces. Every S3 call names the owner it expects.
 */
import type { S3Client } from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Settings } from '../../../runtime/settings.ts';
import { addressLikeSqs, signedCall } from '../direct-call.ts';

/** Undefined where the cloud knows no accounts. */
type Owner = () => Promise<string | undefined>;

const owners = new WeakMap<S3Client, Owner>();

/** The owner that this client's buckets must have. */
export async function bucketOwnerOf(s3: S3Client): Promise<string | undefined> {
  return owners.get(s3)?.();
}

/** Makes every call of this client that concerns a bucket name its owner; S3 refuses others with 403. */
export function expectOwner(s3: S3Client, owner: Owner): void {
  owners.set(s3, owner);
  s3.middlewareStack.add(
    (next) => async (args) => {
      const input = args.input as { Bucket?: string; CopySource?: string };
      const account = input.Bucket === undefined ? undefined : await owner();
      if (account === undefined) return next(args);
      const named = {
        ExpectedBucketOwner: account,
        ...(input.CopySource === undefined ? {} : { ExpectedSourceBucketOwner: account }),
      };
      return next({ ...args, input: { ...named, ...args.input } } as typeof args);
    },
    { step: 'initialize', name: 'expectedBucketOwner' },
  );
}

/**
 * ACCOUNT_ID, or the account of the credentials, asked of STS at the first call. An S3 service in place of
 * AWS's may have no STS: then there is no owner to expect.
 */
export function ownerBy(
  settings: Partial<Pick<Settings, 'ACCOUNT_ID' | 'AWS_ENDPOINT_URL'>>,
  sqsClient: () => SQSClient,
): Owner {
  const { ACCOUNT_ID, AWS_ENDPOINT_URL } = settings;
  if (ACCOUNT_ID !== undefined) return async () => ACCOUNT_ID;
  const isAws = AWS_ENDPOINT_URL === undefined;
  let asked: Promise<string | undefined> | undefined;
  return () => {
    asked ??= accountOf(sqsClient()).catch((error: unknown) => {
      if (!isAws) return undefined;
      asked = undefined;
      throw error;
    });
    return asked;
  };
}

/** @param client signs for STS as well, and every service has loaded it; it is destroyed */
async function accountOf(client: SQSClient): Promise<string> {
  const call = signedCall(client.config, 'sts');
  try {
    const origin = await addressLikeSqs(client, 'sts');
    const { status, bytes } = await call({
      ...{ method: 'POST', origin, path: origin.pathname },
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
      body: 'Action=GetCallerIdentity&Version=2011-06-15',
    });
    const account = /<Account>(\d{12})<\/Account>/.exec(bytes.toString())?.[1];
    if (account !== undefined) return account;
    const message = `STS did not name the account of the credentials (HTTP ${status}).`;
    throw Object.assign(new Error(message), { $metadata: { httpStatusCode: status } });
  } finally {
    client.destroy();
  }
}
