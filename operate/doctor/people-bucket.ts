/** Whether the people bucket exists and really deletes what is deleted: people can ask to be forgotten. */
import { GetBucketVersioningCommand, type S3Client } from '@aws-sdk/client-s3';
import { type Check, right, wrong } from './finding.ts';

/** @param exists the check of any bucket */
export function peopleBucketCheck(s3: S3Client, Bucket: string, exists: Check): Check {
  return async () => {
    const found = await exists();
    if (found.verdict !== 'right') return found;
    let status: string | undefined;
    try {
      const { Status } = await s3.send(new GetBucketVersioningCommand({ Bucket }));
      status = Status;
    } catch {
      return right(`${found.says}; whether it is versioned could not be read`);
    }
    if (status === undefined) return right(`${found.says}, and keeps no old versions`);
    return wrong(
      `is versioned (${status}): people who are forgotten stay in old versions of its objects. Use a bucket without versioning, or delete old versions by a lifecycle rule.`,
    );
  };
}
