import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NoSuchBucket, S3ServiceException } from '@aws-sdk/client-s3';
import { QueueDoesNotExist, SQSServiceException } from '@aws-sdk/client-sqs';
import { isPermanentRefusal, isServiceOutage } from './service-outage.ts';
import { QueueError } from './sqs/queue-address.ts';

const $metadata = (httpStatusCode: number) => ({ httpStatusCode });
const s3 = (name: string, status: number) =>
  new S3ServiceException({ name, $fault: 'client', $metadata: $metadata(status) });
const sqs = (name: string, status: number) =>
  new SQSServiceException({ name, $fault: 'client', $metadata: $metadata(status) });

describe('a service is away', () => {
  for (const [what, error] of [
    ['when it throttles', s3('SlowDown', 503)],
    ['when it fails', s3('InternalError', 500)],
    ['when SQS throttles with a 400', sqs('RequestThrottled', 400)],
    [
      'when its queue was deleted',
      new QueueDoesNotExist({ message: '', $metadata: $metadata(400) }),
    ],
    ['when its bucket was deleted', new NoSuchBucket({ message: '', $metadata: $metadata(404) })],
    ['when its rights were taken away', s3('AccessDenied', 403)],
    ['when nothing listens', Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })],
    ['when its name leads nowhere', Object.assign(new Error('dns'), { code: 'ENOTFOUND' })],
    ['when it does not answer in time', Object.assign(new Error('slow'), { name: 'TimeoutError' })],
    ['when it refuses a message for a reason of its own', new QueueError('InternalError')],
  ] as const) {
    it(what, () => assert.ok(isServiceOutage(error)));
  }

  for (const [what, error] of [
    ['when it refuses a message', new QueueError('no', { isSenderFault: true })],
    ['when it refuses a key', s3('KeyTooLongError', 400)],
    ['when a batch is too long', sqs('BatchRequestTooLong', 400)],
    ['when this program is wrong', new TypeError('x is not a function')],
    ['when something else than an error was thrown', 'no'],
  ] as const) {
    it(`not ${what}`, () => assert.ok(!isServiceOutage(error)));
  }
});

describe('a call is refused for good', () => {
  for (const [what, error, isForGood] of [
    ['when SQS refuses the message itself', new QueueError('no', { isSenderFault: true }), true],
    ['when S3 refuses the key', s3('KeyTooLongError', 400), true],
    ['not when the queue is at fault', new QueueError('InternalError'), false],
    ['not when bytes were lost on the way', s3('BadDigest', 400), false],
    ['not when S3 is away', s3('SlowDown', 503), false],
    ['not when a whole batch is refused', sqs('BatchRequestTooLong', 400), false],
  ] as const) {
    it(what, () => assert.equal(isPermanentRefusal(error), isForGood));
  }
});
