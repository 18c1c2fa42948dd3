/** How long the buckets keep photos and results: one S3 lifecycle rule, by which S3 deletes them. */
import {
  DeleteBucketLifecycleCommand,
  GetBucketLifecycleConfigurationCommand,
  type LifecycleRule,
  PutBucketLifecycleConfigurationCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';

const RULE = 'elastic-face-retention';

/**
 * Sets the bucket's retention; other rules of the bucket stay as they are.
 * @param days 0 keeps objects for ever
 * @param prefix of the keys that it concerns
 */
export async function setRetention(
  s3: S3Client,
  bucket: string,
  days: number,
  prefix = '',
): Promise<void> {
  const rules = await lifecycleRules(s3, bucket);
  const others = rules.filter(({ ID }) => ID !== RULE);
  const rule: LifecycleRule = {
    ID: RULE,
    Status: 'Enabled',
    Filter: { Prefix: prefix },
    Expiration: { Days: days },
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
  };
  const wanted = days > 0 ? [...others, rule] : others;
  if (wanted.length > 0) {
    const LifecycleConfiguration = { Rules: wanted };
    await s3.send(
      new PutBucketLifecycleConfigurationCommand({ Bucket: bucket, LifecycleConfiguration }),
    );
  } else if (rules.length > 0) {
    await s3.send(new DeleteBucketLifecycleCommand({ Bucket: bucket }));
  }
}

async function lifecycleRules(s3: S3Client, bucket: string): Promise<LifecycleRule[]> {
  try {
    const { Rules } = await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }));
    return Rules ?? [];
  } catch (error) {
    if (error instanceof S3ServiceException && error.name === 'NoSuchLifecycleConfiguration') {
      return [];
    }
    throw error;
  }
}
