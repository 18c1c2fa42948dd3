/**
 * Dollars from what was measured and what is assumed: prices and habits, each with its name, so that
 * `--assume NAME=NUMBER` can replace one. Pure.
 */
import { SettingsError } from '../../runtime/errors.ts';

/** Hours of an average month, as AWS bills storage by the month. */
const HOURS_A_MONTH = 730;

/**
 * On-demand list prices of us-east-1 in US dollars, as the authors knew them in 2026-11 from AWS's price
 * pages of SQS, S3, EC2, EBS, VPC, ELB and CloudWatch. They change: look them up before you rely on them.
 */
export const ASSUMPTIONS: Readonly<Record<string, number>> = {
  'sqs.million': 0.4,
  's3.write.million': 5,
  's3.read.million': 0.4,
  's3.gigabyte.month': 0.023,
  'disk.gigabyte.month': 0.08,
  'address.hour': 0.005,
  /** A root disk of the image, and every instance has a public address, which saves a NAT gateway. */
  'disk.gigabytes': 8,
  't3.small.hour': 0.0208,
  /** What a virtual processor of a T3 takes beyond its baseline of 20 %, by the hour, in unlimited mode. */
  't3.surplus.hour': 0.05,
  't3.baseline': 0.2,
  'c7i.large.hour': 0.08925,
  'c7g.large.hour': 0.0725,
  /** Virtual processors, one worker process of one thread on each. */
  't3.small.processors': 2,
  'c7i.large.processors': 2,
  'c7g.large.processors': 2,
  /** Of an instance's life, the share in which it computes; boot, idle wait and drain take the others. */
  busy: 0.8,
  /** Days after which photos and answers are deleted. */
  'kept.days': 30,
  'photo.kilobytes': 200,
  /** A photo's lines in CloudWatch Logs: two of the web tier, one of its worker. */
  'log.kilobytes': 0.8,
  'log.gigabyte': 0.5,
  /** The stack's; the first ten of an account are free. */
  alarms: 5,
  'alarm.month': 0.1,
  /** HTTPS in front of the web tier, with an address in each zone. */
  'balancer.hour': 0.0225,
  'balancer.addresses': 2,
};

export type Assumptions = Readonly<Record<string, number>>;

/** Names of what is measured here, and may be set to what was measured on such an instance instead. */
const SPEED = /^(?:t3\.small|c7i\.large|c7g\.large)\.photos$/;

/**
 * @param given `NAME=NUMBER` each
 * @throws {SettingsError} when there is no such name, or no number
 */
export function assume(given: readonly string[]): Assumptions {
  const all: Record<string, number> = { ...ASSUMPTIONS };
  for (const text of given) {
    const [name = '', number] = text.split('=', 2);
    const value = Number(number || Number.NaN);
    if (!(name in ASSUMPTIONS) && !SPEED.test(name)) {
      throw new SettingsError(
        `--assume ${text}: there is no ${name}; there are ${Object.keys(ASSUMPTIONS).join(', ')}, and TYPE.photos, photos a second of one processor.`,
      );
    }
    if (!(value >= 0)) throw new SettingsError(`--assume ${text}: write a number, e.g. busy=0.5.`);
    all[name] = value;
  }
  return all;
}

/** Billed calls: of one photo when all is busy, or of an hour without work. */
export interface Calls {
  readonly sqs: number;
  readonly s3Writes: number;
  readonly s3Reads: number;
}

export interface Measured {
  /** Photos a second that one processor of this machine recognises. */
  readonly photosPerSecond: number;
  readonly perPhoto: Calls;
  /** Of the web tier and the scaler alone. */
  readonly perIdleHour: Calls;
}

export const INSTANCE_TYPES = ['t3.small', 'c7i.large', 'c7g.large'] as const;
type InstanceType = (typeof INSTANCE_TYPES)[number];

/** Dollars a million photos. */
export interface MillionPhotos {
  readonly type: InstanceType;
  /** Photos a second of a whole instance. */
  readonly photosPerSecond: number;
  readonly hours: number;
  readonly instances: number;
  readonly sqs: number;
  readonly s3Calls: number;
  readonly s3Storage: number;
  readonly logs: number;
  readonly sum: number;
}

export function millionPhotos(
  type: InstanceType,
  measured: Measured,
  assumed: Assumptions,
): MillionPhotos {
  const of = reader(assumed);
  const processors = of(`${type}.processors`);
  const photosPerSecond = processors * (assumed[`${type}.photos`] ?? measured.photosPerSecond);
  const hours = 1e6 / (photosPerSecond * of('busy') * 3600);
  // A burstable instance that computes all the time pays for what lies above its baseline.
  const surplus = type.startsWith('t3.')
    ? Math.max(0, of('busy') - of('t3.baseline')) * processors * of('t3.surplus.hour')
    : 0;
  const instances = hours * (of(`${type}.hour`) + surplus + carriedHour(assumed));
  const calls = callsCost(measured.perPhoto, assumed);
  const gigabytes = (of('photo.kilobytes') * 1e6) / 1e6;
  const s3Storage = gigabytes * of('s3.gigabyte.month') * (of('kept.days') / 30);
  const sqs = calls.sqs * 1e6;
  const s3Calls = calls.s3 * 1e6;
  const logs = of('log.kilobytes') * of('log.gigabyte');
  const sum = instances + sqs + s3Calls + s3Storage + logs;
  return { type, photosPerSecond, hours, instances, sqs, s3Calls, s3Storage, logs, sum };
}

/** Dollars of a month without a photo. */
export interface IdleMonth {
  readonly workers: number;
  readonly web: number;
  readonly calls: number;
  readonly alarms: number;
  /** Of a stack with plain HTTP. */
  readonly sum: number;
  readonly balancer: number;
  readonly sumWithHttps: number;
}

export function idleMonth(measured: Measured, assumed: Assumptions): IdleMonth {
  const of = reader(assumed);
  const web = HOURS_A_MONTH * (of('t3.small.hour') + carriedHour(assumed));
  const { sqs, s3 } = callsCost(measured.perIdleHour, assumed);
  const calls = HOURS_A_MONTH * (sqs + s3);
  const alarms = of('alarms') * of('alarm.month');
  const addresses = of('balancer.addresses') * of('address.hour');
  const balancer = HOURS_A_MONTH * (of('balancer.hour') + addresses);
  const sum = web + calls + alarms;
  return { workers: 0, web, calls, alarms, sum, balancer, sumWithHttps: sum + balancer };
}

/** What every instance has beside itself, by the hour: a disk and an address. */
function carriedHour(assumed: Assumptions): number {
  const of = reader(assumed);
  const disk = (of('disk.gigabytes') * of('disk.gigabyte.month')) / HOURS_A_MONTH;
  return disk + of('address.hour');
}

function callsCost(calls: Calls, assumed: Assumptions): { sqs: number; s3: number } {
  const of = reader(assumed);
  return {
    sqs: (calls.sqs * of('sqs.million')) / 1e6,
    s3: (calls.s3Writes * of('s3.write.million') + calls.s3Reads * of('s3.read.million')) / 1e6,
  };
}

function reader(assumed: Assumptions): (name: string) => number {
  return (name) => {
    const value = assumed[name];
    if (value === undefined) throw new RangeError(`nothing is assumed of ${name}`);
    return value;
  };
}
