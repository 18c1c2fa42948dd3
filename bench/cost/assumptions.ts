/**
 * What a cost is worked out from beside what is measured: prices and habits, each with its name, so that
 * `--assume NAME=NUMBER` can put another in its place. Pure.
 */
import { SettingsError } from '../../runtime/errors.ts';

/** Hours of an average month, as AWS bills storage by the month. */
export const HOURS_A_MONTH = 730;

/**
 * On-demand list prices of us-east-1 in US dollars, as the authors knew them in 2026-11 from AWS's price
 * pages of SQS, S3, EC2, EBS and VPC. They change: look them up before you rely on them.
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
  /** Of an instance's life, the share in which it computes: the rest is boot, idle wait and drain. */
  busy: 0.8,
  /** Photos and answers are deleted after so many days. */
  'kept.days': 30,
  'photo.kilobytes': 200,
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
