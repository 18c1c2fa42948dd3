/** The names of everything in the cloud, made from one project id: the contract that course tools and scripts rely on. */
import { parse } from 'node:path';

/** Tag that marks an instance as this project's, so that several stacks share one account. */
export const PROJECT_TAG = 'elastic-face:project';
export const WEB_INSTANCE_NAME = 'web-instance';
const APP_TIER_PREFIX = 'app-tier-instance-';

export interface CloudNames {
  readonly requestQueue: string;
  readonly replyQueue: string;
  readonly deadLetterQueue: string;
  readonly inBucket: string;
  readonly outBucket: string;
  /** Prefix of every Redis key. */
  readonly keys: string;
}

export function cloudNames(projectId: string): CloudNames {
  return {
    requestQueue: `${projectId}-req-queue`,
    replyQueue: `${projectId}-resp-queue`,
    deadLetterQueue: `${projectId}-req-dead-letter-queue`,
    inBucket: `${projectId}-in-bucket`,
    outBucket: `${projectId}-out-bucket`,
    keys: `elastic-face:${projectId}`,
  };
}

/** `app-tier-instance-3` for 3. */
export function instanceName(number: number): string {
  return `${APP_TIER_PREFIX}${number}`;
}

/** 3 for `app-tier-instance-3`; undefined for any other name. */
export function instanceNumber(name: string | undefined): number | undefined {
  const match = /^app-tier-instance-([1-9]\d{0,5})$/.exec(name ?? '');
  return match ? Number(match[1]) : undefined;
}

/** Key of an output object: the file name without its last extension. */
export function stemOf(fileName: string): string {
  return parse(fileName).name;
}
