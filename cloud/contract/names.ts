/** The names of everything in the cloud, made from one project id: the contract that course tools and scripts rely on. */
import { parse } from 'node:path';

/** Tag that marks an instance as this project's, so that several stacks share one account. */
export const PROJECT_TAG = 'elastic-face:project';
/**
 * Tag of instances launched together: the numbers they are given, e.g. `1-4,7`, the nth lowest to the
 * nth of the launch. So each has its number from the first moment, before its Name says so too.
 */
export const NUMBERS_TAG = 'elastic-face:numbers';
export const WEB_INSTANCE_NAME = 'web-instance';
const APP_TIER_PREFIX = 'app-tier-instance-';

export interface CloudNames {
  readonly requestQueue: string;
  readonly replyQueue: string;
  readonly deadLetterQueue: string;
  readonly inBucket: string;
  readonly outBucket: string;
  /** The live gallery and photos on their way into it. */
  readonly peopleBucket: string;
  /** Prefix of every Redis key. */
  readonly keys: string;
}

/** @param bucketSuffix BUCKET_SUFFIX */
export function cloudNames(projectId: string, bucketSuffix?: string): CloudNames {
  const bucket = (name: string): string =>
    `${projectId}-${name}-bucket${bucketSuffix === undefined ? '' : `-${bucketSuffix}`}`;
  return {
    requestQueue: `${projectId}-req-queue`,
    replyQueue: `${projectId}-resp-queue`,
    deadLetterQueue: `${projectId}-req-dead-letter-queue`,
    inBucket: bucket('in'),
    outBucket: bucket('out'),
    peopleBucket: bucket('people'),
    keys: `elastic-face:${projectId}`,
  };
}

/** Name in Parameter Store of the settings that a project's stack writes. */
export function settingsParameter(projectId: string): string {
  return `/elastic-face/${projectId}/settings`;
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

/** `1-4,7` for 1, 2, 3, 4 and 7. @param numbers ascending */
export function writeNumbers(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last && number === last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}

/**
 * The number of an instance by its tags: its Name's, else that of its place in the launch.
 * @param launchIndex EC2's AmiLaunchIndex, from 0
 */
export function numberByTags(
  tag: (key: string) => string | undefined,
  launchIndex: number,
): number | undefined {
  return instanceNumber(tag('Name')) ?? readNumber(tag(NUMBERS_TAG), launchIndex);
}

function readNumber(numbers: string | undefined, index: number): number | undefined {
  let left = index;
  for (const range of numbers?.split(',') ?? []) {
    const match = /^([1-9]\d{0,5})(?:-([1-9]\d{0,5}))?$/.exec(range);
    if (match === null) return undefined;
    const from = Number(match[1]);
    const count = Number(match[2] ?? from) - from + 1;
    if (left < count) return from + left;
    left -= count;
  }
  return undefined;
}

/** Key of an output object: the file name without its last extension. */
export function stemOf(fileName: string): string {
  return parse(fileName).name;
}

/**
 * The contract's line of text: `<stem>:<name>`.
 * @param unknownName names a stranger, where it is set
 */
export function answerLine(
  fileName: string,
  { name, known }: { readonly name: string; readonly known?: boolean | undefined },
  unknownName: string | undefined,
): string {
  return `${stemOf(fileName)}:${known === false ? (unknownName ?? name) : name}`;
}

/** Prefix of photos whose contract key is held by another upload; no file name may start with it. */
const ASIDE_PREFIX = '~/';

/** Key of a photo that cannot have its file name as key yet. */
export function asideKey(requestId: string, file: string): string {
  return `${ASIDE_PREFIX}${requestId}/${file}`;
}
