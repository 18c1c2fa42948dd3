/** Connections to the cloud that go silent, as when a host vanishes behind a load balancer. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTcpProxy, type TcpProxy } from '../../test/chaos/system/links.ts';
import { startTestCloud, type TestCloud } from '../../test/cloud.fixture.ts';
import { type AwsClients, createAwsClients } from '../aws/clients.ts';
import { openPhotos, type Photos } from '../aws/s3/objects.ts';
import { openQueue, type Queue } from '../aws/sqs/queues.ts';

const IDLE_CONNECTIONS = 12;
/** Once the limit of silence, and the time that the calls themselves take. */
const LIMIT_MS = 8500;

describe('calls to a cloud whose connections have gone silent', { timeout: 60_000 }, () => {
  let cloud: TestCloud;
  let proxy: TcpProxy;
  let clients: AwsClients;
  before(async () => {
    cloud = await startTestCloud();
    const { settings } = cloud;
    proxy = await startTcpProxy(Number(new URL(settings.AWS_ENDPOINT_URL ?? '').port));
    const AWS_ENDPOINT_URL = `http://127.0.0.1:${proxy.port}`;
    clients = createAwsClients({ ...settings, AWS_ENDPOINT_URL });
  });
  after(async () => {
    clients.destroy();
    await proxy.close();
    await cloud.close();
  });

  it('leave all of them at once: photos, sends and polls go on within seconds', async (t) => {
    const photos: Photos = openPhotos(clients.s3, cloud.names.inBucket);
    const requests: Queue = await openQueue(clients.sqs, cloud.names.requestQueue);
    const puts = (name: string): Promise<unknown>[] =>
      Array.from({ length: IDLE_CONNECTIONS }, (_, i) =>
        photos.put(`${name}_${i}.jpg`, Buffer.from('photo'), 'image/jpeg'),
      );
    await Promise.all([...puts('before'), requests.send('before')]);
    proxy.swallow();
    const begun = performance.now();
    await Promise.all([...puts('after').slice(0, 3), requests.send('after')]);
    const polled = await requests.receive({ most: 10, waitSeconds: 2 });
    const ms = performance.now() - begun;
    t.diagnostic(`${ms.toFixed(0)} ms`);
    assert.ok(ms < LIMIT_MS, `${ms} ms`);
    assert.ok(polled.length > 0);
    const again = performance.now();
    await Promise.all(puts('later'));
    assert.ok(performance.now() - again < 2000, 'no other connection is silent');
  });
});
