import assert from 'node:assert/strict';
import test from 'node:test';
import { byVersion, type RequestHead, routeOf } from './route.ts';

const scope = (service: string) =>
  `AWS4-HMAC-SHA256 Credential=AKIA/20261124/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=00`;

function head(given: Partial<RequestHead>): RequestHead {
  return { method: 'POST', url: '/', headers: {}, ...given };
}

test('a signature names the service, whatever else the request looks like', () => {
  for (const service of ['sqs', 's3', 'ec2', 'sts']) {
    const headers = {
      authorization: scope(service),
      'content-type': 'application/x-www-form-urlencoded',
    };
    assert.deepEqual(routeOf(head({ headers })), { service });
  }
  assert.deepEqual(routeOf(head({ headers: { authorization: scope('s3express') } })), {
    service: 's3',
  });
});

test('a presigned address names it in the query', () => {
  const url =
    '/bucket/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20261124%2Fus-east-1%2Fs3%2Faws4_request';
  assert.deepEqual(routeOf(head({ method: 'GET', url })), { service: 's3' });
});

test('without a signature the target, the version or the body decide', () => {
  const target = (name: string) => head({ headers: { 'x-amz-target': name } });
  assert.deepEqual(routeOf(target('AmazonSQS.SendMessage')), { service: 'sqs' });
  assert.deepEqual(routeOf(target('DynamoDB_20120810.ListTables')), {
    service: 'unknown',
    name: 'DynamoDB_20120810',
  });
  assert.deepEqual(
    routeOf(head({ method: 'GET', url: '/?Action=DescribeInstances&Version=2016-11-15' })),
    { service: 'ec2' },
  );
  const form = head({
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
  });
  assert.deepEqual(routeOf(form), { service: 'form' });
  assert.deepEqual(byVersion(new URLSearchParams('Version=2016-11-15')), { service: 'ec2' });
  assert.deepEqual(routeOf(head({ method: 'GET', url: '/bucket/photo.jpg' })), { service: 's3' });
});

test('a signature for a service that is not here stays that service', () => {
  assert.deepEqual(routeOf(head({ headers: { authorization: scope('dynamodb') } })), {
    service: 'unknown',
    name: 'dynamodb',
  });
});
