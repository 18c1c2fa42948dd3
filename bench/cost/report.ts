/** The words and tables of the cost bench. */
import { cpus } from 'node:os';
import { ASSUMPTIONS, type Assumptions } from './assumptions.ts';
import type { IdleMonth, Measured, MillionPhotos } from './bill.ts';

export interface CostResults {
  readonly measured: Measured;
  readonly assumed: Assumptions;
  readonly millions: readonly MillionPhotos[];
  readonly idle: IdleMonth;
}

const dollars = (value: number): string => value.toFixed(2);
const calls = (value: number): string => value.toFixed(2);

export function costReport({ measured, assumed, millions, idle }: CostResults): string {
  const { perPhoto, perIdleHour } = measured;
  const machine = cpus()[0]?.model ?? 'an unknown processor';
  const speed = measured.photosPerSecond.toFixed(1);
  const changed = Object.entries(assumed)
    .filter(([name, value]) => ASSUMPTIONS[name] !== value)
    .map(([name, value]) => `${name}=${value}`);
  return [
    `Measured ${new Date().toISOString().slice(0, 10)} on ${machine}: ${speed} course photos a second on one processor.`,
    ...(changed.length > 0 ? [`Assumed otherwise: ${changed.join(', ')}.`] : []),
    '',
    '| calls that are billed | SQS | S3 writes | S3 reads |',
    '| --- | --- | --- | --- |',
    `| a photo, in a crowd | ${calls(perPhoto.sqs)} | ${calls(perPhoto.s3Writes)} | ${calls(perPhoto.s3Reads)} |`,
    `| an hour without work | ${perIdleHour.sqs.toFixed(0)} | ${perIdleHour.s3Writes.toFixed(0)} | ${perIdleHour.s3Reads.toFixed(0)} |`,
    '',
    '| dollars a million photos, workers on | photos a second | instance-hours | instances | SQS | S3 calls | S3 storage | in all |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...millions.map(
      ({ type, photosPerSecond, hours, instances, sqs, s3Calls, s3Storage, sum }) =>
        `| ${type} | ${photosPerSecond.toFixed(1)} | ${hours.toFixed(1)} | ${[instances, sqs, s3Calls, s3Storage, sum].map(dollars).join(' | ')} |`,
    ),
    '',
    '| dollars a month without a photo | |',
    '| --- | --- |',
    `| workers | ${dollars(idle.workers)} |`,
    `| web instance, its disk and address | ${dollars(idle.web)} |`,
    `| calls of web tier and scaler | ${dollars(idle.calls)} |`,
    `| in all | ${dollars(idle.sum)} |`,
  ].join('\n');
}
