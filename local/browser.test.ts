import assert from 'node:assert/strict';
import type { OutgoingHttpHeaders } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { readSettings } from '../runtime/settings.ts';
import { type BrowserRequest, send } from '../test/browser.fixture.ts';
import { quiet, startTestCloud, temporaryFolder } from './cloud.fixture.ts';
import { testInstance } from './ec2/fleet/instance.fixture.ts';
import { openEndpoint } from './endpoint.ts';
import { startMetadataService } from './imds.ts';

const LAUNCH = `/?Action=RunInstances&Version=2016-11-15&ImageId=ami-00000000000000000&MinCount=1&MaxCount=1`;
const LIST = '/?Action=DescribeInstances&Version=2016-11-15';

describe('the embedded cloud in a browser’s reach', { timeout: 60_000 }, () => {
  const folder = temporaryFolder();
  let local: Awaited<ReturnType<typeof startTestCloud>>;
  before(async () => {
    local = await startTestCloud(folder.path);
    await local.clients.s3.send(new CreateBucketCommand({ Bucket: 'photos' }));
    await local.clients.s3.send(
      new PutObjectCommand({ Bucket: 'photos', Key: 'a.jpg', Body: 'bytes' }),
    );
  });
  after(async () => {
    await local.stop();
    folder.remove();
  });
  const port = () => new URL(local.cloud.url).port;

  const remove = '<Delete><Object><Key>a.jpg</Key></Object></Delete>';
  for (const [what, sent] of [
    [
      'launches an instance by an image of another site',
      { path: LAUNCH, headers: { 'Sec-Fetch-Site': 'cross-site' } },
    ],
    [
      'deletes objects by a form of another site',
      {
        method: 'POST',
        path: '/photos?delete',
        headers: { Origin: 'http://evil.example', 'Content-Type': 'text/plain' },
        body: remove,
      },
    ],
    ['comes from a sandboxed frame', { path: LIST, headers: { Origin: 'null' } }],
    [
      'comes from another port of this machine',
      { path: LIST, headers: { Origin: 'http://localhost:1' } },
    ],
    [
      'comes by a name that was rebound to this machine',
      { path: LIST, headers: { Host: 'evil.example' } },
    ],
    [
      'comes by such a name from a page that writes a signature',
      {
        path: LIST,
        headers: {
          Host: 'evil.example',
          Authorization:
            'AWS4-HMAC-SHA256 Credential=x/20300101/us-east-1/ec2/aws4_request, Signature=0',
          'Accept-Language': '',
        },
      },
    ],
    ['names a bucket under such a name', { path: '/', headers: { Host: 'photos.evil.example' } }],
    [
      'hides such a name behind one that is allowed',
      { path: LIST, headers: { Host: 'localhost.evil.example' } },
    ],
    [
      'speaks SQS’ protocol',
      {
        method: 'POST',
        headers: { 'X-Amz-Target': 'AmazonSQS.ListQueues', Origin: 'http://evil.example' },
        body: '{}',
      },
    ],
  ] as readonly [string, BrowserRequest][]) {
    it(`refuses what ${what}`, async () => {
      const { status, text } = await send(local.cloud.url, sent);
      assert.equal(status, 403);
      assert.match(text, /AccessDenied/);
    });
  }

  it('has lost nothing and launched nothing meanwhile', async () => {
    const { Contents } = await local.clients.s3.send(
      new ListObjectsV2Command({ Bucket: 'photos' }),
    );
    assert.equal(Contents?.length, 1);
    const { text } = await send(local.cloud.url, { path: LIST, headers: {} });
    assert.doesNotMatch(text, /<instanceId>/);
  });

  for (const host of [
    '127.0.0.1',
    'localhost',
    '[::1]',
    'LOCALHOST',
    's3.localhost',
    'host.docker.internal',
  ]) {
    it(`answers clients that call it ${host}`, async () => {
      const { status } = await send(local.cloud.url, {
        path: LIST,
        headers: { Host: `${host}:${port()}` },
      });
      assert.equal(status, 200);
    });
  }

  it('answers for a bucket in the host name, as SDKs send it', async () => {
    const { text } = await send(local.cloud.url, {
      headers: { Host: `photos.localhost:${port()}` },
    });
    assert.match(text, /<Key>a.jpg<\/Key>/);
  });

  it('the metadata of an instance is for programs on this machine', async () => {
    const metadata = await startMetadataService(testInstance());
    const token = (headers: OutgoingHttpHeaders) =>
      send(metadata.url, {
        method: 'PUT',
        path: '/latest/api/token',
        headers: { 'X-aws-ec2-metadata-token-ttl-seconds': '60', ...headers },
      });
    const all = [{}, { Host: 'evil.example' }, { Origin: 'http://evil.example' }];
    const answers = await Promise.all(all.map(token));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 403, 403],
    );
    await metadata.close();
  });

  it('names that the operator allows are answered, and pages under them', async () => {
    const { ALLOWED_HOSTS } = readSettings({}, { ALLOWED_HOSTS: 'faces.example,.dev.example' });
    const endpoint = await openEndpoint(0, quiet, ALLOWED_HOSTS);
    const status = async (headers: OutgoingHttpHeaders): Promise<number> =>
      (await send(endpoint.url, { path: LIST, headers })).status;
    endpoint.serve({
      queuesAndObjects: { endPolls() {} } as never,
      ec2: () => ({ status: 200, body: '' }),
      parameters: {} as never,
    });
    assert.deepEqual(
      [
        await status({ Host: 'faces.example' }),
        await status({ Host: 'a.dev.example:99' }),
        await status({ Origin: 'https://dev.example', 'Sec-Fetch-Site': 'cross-site' }),
        await status({ Host: 'a.faces.example' }),
        await status({ Host: 'evildev.example' }),
      ],
      [200, 200, 200, 403, 403],
    );
    await endpoint.close();
    assert.throws(() => readSettings({}, { ALLOWED_HOSTS: 'http://x' }), /ALLOWED_HOSTS must be/);
  });
});
