import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { metadataEndpoint, readIdentity } from '../cloud/ec2/metadata.ts';
import { openSpotNotices } from '../cloud/ec2/spot-notices.ts';
import { testInstance } from './ec2/fleet/instance.fixture.ts';
import { startMetadataService } from './imds.ts';

const instance = testInstance({
  availabilityZone: 'eu-west-1a',
  profileName: 'workers',
  userData: Buffer.from('PROJECT_ID=p\nREDIS_URL=redis://127.0.0.1:1\n').toString('base64'),
});

let now = Date.parse('2026-11-24T10:00:00Z');
const service = await startMetadataService(instance, () => now);
after(() => service.close());

const askToken = (headers: Record<string, string>) =>
  fetch(`${service.url}/latest/api/token`, { method: 'PUT', headers });
const TTL = 'X-aws-ec2-metadata-token-ttl-seconds';
const token = await (await askToken({ [TTL]: '21600' })).text();

async function get(path: string): Promise<string> {
  const response = await fetch(`${service.url}${path}`, {
    headers: { 'X-aws-ec2-metadata-token': token },
  });
  return response.ok ? response.text() : String(response.status);
}

test('nothing is answered without a token, nor with an invented or expired one', async () => {
  const url = `${service.url}/latest/meta-data/instance-id`;
  assert.equal((await fetch(url)).status, 401);
  const made = { headers: { 'X-aws-ec2-metadata-token': 'made-up' } };
  assert.equal((await fetch(url, made)).status, 401);
  const short = await (await askToken({ [TTL]: '60' })).text();
  const headers = { 'X-aws-ec2-metadata-token': short };
  assert.equal((await fetch(url, { headers })).status, 200);
  now += 61_000;
  assert.equal((await fetch(url, { headers })).status, 401);
});

test('a token needs a time to live within bounds, and no proxy on the way', async () => {
  assert.equal((await askToken({})).status, 400);
  assert.equal((await askToken({ [TTL]: '0' })).status, 400);
  assert.equal((await askToken({ [TTL]: '21601' })).status, 400);
  assert.equal((await askToken({ [TTL]: 'soon' })).status, 400);
  assert.equal((await askToken({ [TTL]: '60', 'X-Forwarded-For': '10.0.0.1' })).status, 403);
  assert.equal((await fetch(`${service.url}/latest/api/token`)).status, 405);
});

test('an instance reads who and where it is', async () => {
  assert.equal(await get('/latest/meta-data/instance-id'), instance.id);
  assert.equal(await get('/latest/meta-data/ami-id'), instance.imageId);
  assert.equal(await get('/latest/meta-data/instance-type'), 'c7i.large');
  assert.equal(await get('/latest/meta-data/placement/availability-zone'), 'eu-west-1a');
  assert.equal(await get('/latest/meta-data/placement/region'), 'eu-west-1');
  assert.equal(await get('/latest/meta-data/local-ipv4'), '127.0.0.1');
  assert.equal(await get('/latest/meta-data/hostname'), 'ip-127-0-0-1.eu-west-1.compute.internal');
  assert.equal(await get('/latest/meta-data/tags/instance/Name'), 'app-tier-instance-1');
  const document = JSON.parse(await get('/latest/dynamic/instance-identity/document'));
  assert.equal(document.instanceId, instance.id);
  assert.equal(document.region, 'eu-west-1');
});

test('folders are lists, and what is not there is a 404', async () => {
  const names = (await get('/latest/meta-data/')).split('\n');
  assert.ok(names.includes('instance-id') && names.includes('placement/'));
  assert.equal(await get('/latest/meta-data/placement'), 'availability-zone\nregion');
  assert.equal(await get('/latest/meta-data/spot/instance-action'), '404');
  assert.equal(await get('/latest/meta-data/instance-id/more'), '404');
  assert.equal(await get('/latest/meta-data/constructor'), '404');
  assert.equal(await get('/latest/meta-data/%zz'), '404');
});

test('a dated version of the tree is answered, as cloud-init asks for it', async () => {
  assert.equal(await get('/2021-03-23/meta-data/instance-id'), instance.id);
  assert.match(await get('/2009-04-04/user-data'), /^PROJECT_ID=p$/m);
  assert.equal(await get('/yesterday/meta-data/instance-id'), '404');
  const unsigned = await fetch(`${service.url}/2021-03-23/meta-data/instance-id`);
  assert.equal(unsigned.status, 401);
});

test('a spot instance reads that it may be taken, and when it will be', async () => {
  const notices = openSpotNotices(service.url);
  assert.deepEqual(await notices(), { interruption: undefined, rebalanceAt: undefined });
  instance.rebalanceAt = new Date('2026-11-24T10:05:00.900Z');
  instance.interruptionAt = new Date('2026-11-24T10:07:30Z');
  assert.equal(await get('/latest/meta-data/spot/termination-time'), '2026-11-24T10:07:30Z');
  assert.deepEqual(await notices(), {
    interruption: { action: 'terminate', at: instance.interruptionAt.getTime() },
    rebalanceAt: Date.parse('2026-11-24T10:05:00Z'),
  });
  instance.rebalanceAt = undefined;
  instance.interruptionAt = undefined;
});

test('the role has credentials in the shape that the SDKs read', async () => {
  const role = await get('/latest/meta-data/iam/security-credentials/');
  assert.equal(role, 'workers');
  const credentials = JSON.parse(await get(`/latest/meta-data/iam/security-credentials/${role}`));
  assert.equal(credentials.Code, 'Success');
  assert.ok(Date.parse(credentials.Expiration) > now);
  for (const name of ['AccessKeyId', 'SecretAccessKey', 'Token']) assert.ok(credentials[name]);
});

test("the project's own reader finds the instance's identity and settings", async () => {
  const endpoint = metadataEndpoint({
    AWS_ENDPOINT_URL: undefined,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: service.url,
    AWS_EC2_METADATA_DISABLED: 'false',
  });
  assert.deepEqual(await readIdentity(endpoint!), {
    instanceId: instance.id,
    userData: { PROJECT_ID: 'p', REDIS_URL: 'redis://127.0.0.1:1' },
  });
});

test('tags stay hidden, and user data is a 404, for an instance launched without', async () => {
  const bare = await startMetadataService({
    ...instance,
    metadataTags: false,
    userData: undefined,
  });
  const answer = await fetch(`${bare.url}/latest/api/token`, {
    method: 'PUT',
    headers: { [TTL]: '60' },
  });
  const headers = { 'X-aws-ec2-metadata-token': await answer.text() };
  for (const path of ['meta-data/tags/instance/Name', 'user-data']) {
    assert.equal((await fetch(`${bare.url}/latest/${path}`, { headers })).status, 404);
  }
  await bare.close();
});
