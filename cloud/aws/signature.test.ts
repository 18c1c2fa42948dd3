import assert from 'node:assert/strict';
import test from 'node:test';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { signerFor, type Unsigned } from './signature.ts';

const region = 'eu-west-1';
const evening = new Date('2026-11-30T23:59:59.900Z');
const nextDay = new Date('2026-12-01T00:00:01Z');
const key = { accessKeyId: 'AKID', secretAccessKey: 'secret' };
const other = { accessKeyId: 'AKID2', secretAccessKey: 'other', sessionToken: 'a/token+=' };
const withoutToken = { ...key, sessionToken: '' };
const requests: Readonly<Record<string, Unsigned>> = {
  'a photo': {
    method: 'PUT',
    path: '/~/1/a%20photo%20%281%29%21%2A%27%C3%BC%2B%26.jpg',
    headers: {
      host: 'in.s3.amazonaws.com',
      'content-type': 'image/jpeg',
      'x-amz-meta-a': '  two  words ',
    },
    body: Buffer.from([0, 255, 10]),
  },
  'no body': { method: 'GET', path: '/in/a.jpg', headers: { host: '127.0.0.1:4566' } },
  'an endpoint with a path': {
    method: 'POST',
    path: '/to/s%20q/',
    headers: { host: 'sqs', 'x-amz-target': 'AmazonSQS.ReceiveMessage' },
    body: '{"a":"ü"}',
  },
};

for (const [service, Client] of [
  ['s3', S3Client],
  ['sqs', SQSClient],
] as const) {
  for (const [what, request] of Object.entries(requests)) {
    test(`the signature of ${service} for ${what} is the SDK's, for each key and day`, async () => {
      const sign = signerFor(service, region);
      for (const [credentials, signingDate] of [
        [key, evening],
        [other, evening],
        [key, nextDay],
        [withoutToken, nextDay],
      ] as const) {
        const signer = await new Client({ region, credentials }).config.signer();
        const { headers, ...unsigned } = request;
        const { headers: expected } = await signer.sign(
          { ...unsigned, protocol: 'https:', hostname: 'h', query: {}, headers: { ...headers } },
          { signingDate },
        );
        assert.deepEqual(sign(request, credentials, signingDate), expected);
      }
    });
  }
}
