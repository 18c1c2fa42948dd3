import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { CopyObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { REGION, startTestCloud, temporaryFolder } from '../../../local/cloud.fixture.ts';
import { readSettings } from '../../../runtime/settings.ts';
import { cloudNames } from '../../contract/names.ts';
import { type AwsClients, createAwsClients } from '../clients.ts';
import { BucketOwnerError, provision } from '../provision.ts';
import { openPhotos, openResults } from './objects.ts';
import { openObjects } from './stored-objects.ts';

const OURS = '000000000000';
const THEIRS = '111111111111';

describe('a bucket that belongs to another account', { timeout: 60_000 }, () => {
  const folder = temporaryFolder();
  const settings = readSettings({ PROJECT_ID: 'taken' }, {});
  const names = cloudNames('taken');
  let cloud: Awaited<ReturnType<typeof startTestCloud>>;
  let stranger: AwsClients;
  before(async () => {
    cloud = await startTestCloud(folder.path);
    await provision(cloud.clients, settings);
    stranger = createAwsClients({
      AWS_REGION: REGION,
      AWS_ENDPOINT_URL: cloud.cloud.url,
      ACCOUNT_ID: THEIRS,
    });
  });
  after(async () => {
    stranger.destroy();
    await cloud.stop();
    folder.remove();
  });

  it('is not taken for the project’s, and provisioning says what to do', async () => {
    await assert.rejects(provision(stranger, settings), (error) => {
      assert.ok(error instanceof BucketOwnerError);
      assert.match(error.message, /taken-in-bucket belongs to another account.*BUCKET_SUFFIX/);
      return true;
    });
  });

  it('gets no photo, no result and no gallery, by any way of the project', async () => {
    const denied = { name: 'AccessDenied' };
    const bytes = Buffer.from('a face');
    const photos = openPhotos(stranger.s3, names.inBucket);
    const works = openObjects(stranger.s3, names.peopleBucket);
    await assert.rejects(photos.put('a.jpg', bytes, 'image/jpeg'), denied);
    await assert.rejects(photos.get('a.jpg'), denied);
    await assert.rejects(photos.settle('~/x/a.jpg', 'a.jpg'), denied);
    await assert.rejects(photos.delete('a.jpg'), denied);
    await assert.rejects(works.put('gallery/head', bytes, 'text/plain'), denied);
    await assert.rejects(works.putNew('gallery/head', bytes, 'text/plain'), denied);
    await assert.rejects(works.delete(['gallery/head']), denied);
    await assert.rejects(works.deleteUnder('gallery/'), denied);
    await assert.rejects(openResults(stranger.s3, names.outBucket).find('a.jpg'));
    const { s3 } = cloud.clients;
    const { KeyCount } = await s3.send(new ListObjectsV2Command({ Bucket: names.inBucket }));
    assert.equal(KeyCount, 0);
  });
});

describe('every call to a bucket', { timeout: 60_000 }, () => {
  const heads: IncomingHttpHeaders[] = [];
  let identities = 0;
  let knowsAccounts = true;
  let server: Server;
  let url: string;
  before(async () => {
    server = createServer((request, response) => {
      if (request.headers['content-type']?.startsWith('application/x-www-form')) {
        identities += 1;
        const account = `<Account>${OURS}</Account>`;
        response.writeHead(knowsAccounts ? 200 : 501).end(knowsAccounts ? account : '');
        return;
      }
      heads.push(request.headers);
      response.writeHead(200, { 'content-type': 'application/xml' }).end('<Answer></Answer>');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  /** The owners that three calls name: the project's own, the SDK's, and a copy. */
  async function owners(more: { ACCOUNT_ID?: string }): Promise<unknown[]> {
    heads.length = 0;
    const clients = createAwsClients({ AWS_REGION: REGION, AWS_ENDPOINT_URL: url, ...more });
    await openPhotos(clients.s3, 'b').put('k', Buffer.from('x'), 'image/jpeg');
    await clients.s3.send(new ListObjectsV2Command({ Bucket: 'b' }));
    await clients.s3.send(new CopyObjectCommand({ Bucket: 'b', Key: 'l', CopySource: 'b/k' }));
    clients.destroy();
    return [
      ...heads.map((head) => head['x-amz-expected-bucket-owner']),
      heads[2]?.['x-amz-source-expected-bucket-owner'],
    ];
  }

  it('names the account of ACCOUNT_ID', async () => {
    assert.deepEqual(await owners({ ACCOUNT_ID: THEIRS }), Array(4).fill(THEIRS));
    assert.equal(identities, 0);
  });

  it('names the account of the credentials, which is asked for once', async () => {
    assert.deepEqual(await owners({}), Array(4).fill(OURS));
    assert.equal(identities, 1);
  });

  it('names none where the endpoint knows no accounts', async () => {
    knowsAccounts = false;
    assert.deepEqual(await owners({}), Array(4).fill(undefined));
  });
});

describe('names of buckets', () => {
  it('have the suffix that the account decides, and no other name has', () => {
    const [plain, suffixed] = [cloudNames('demo'), cloudNames('demo', OURS)];
    assert.equal(suffixed.inBucket, `demo-in-bucket-${OURS}`);
    assert.equal(suffixed.outBucket, `demo-out-bucket-${OURS}`);
    assert.equal(suffixed.peopleBucket, `demo-people-bucket-${OURS}`);
    assert.deepEqual(
      [suffixed.requestQueue, suffixed.replyQueue, suffixed.keys],
      [plain.requestQueue, plain.replyQueue, plain.keys],
    );
  });
});
