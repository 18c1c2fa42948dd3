import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { MetadataError } from '../cloud/ec2/metadata.ts';
import { testInstance } from '../local/ec2/fleet/instance.fixture.ts';
import { type MetadataService, startMetadataService } from '../local/imds.ts';
import { SettingsError } from '../runtime/errors.ts';
import { identify } from './identity.ts';

const userData = `#!/bin/sh
PROJECT_ID=from-user-data
REDIS_URL=redis://10.0.0.5:6379
THREADS=2
MAX_RECEIVES=7
`;

describe('who a worker is', () => {
  const services: MetadataService[] = [];
  after(() => Promise.all(services.map((service) => service.close())));

  /** The metadata endpoint of an instance with this user data. */
  async function serve(userData: string): Promise<string> {
    const service = await startMetadataService(
      testInstance({ userData: Buffer.from(userData).toString('base64') }),
    );
    services.push(service);
    return service.url;
  }

  it('user data lies under the environment, which lies under the flags', async () => {
    const { instanceId, settings } = await identify(
      { THREADS: 4 },
      {
        AWS_EC2_METADATA_SERVICE_ENDPOINT: await serve(userData),
        THREADS: '3',
        MAX_RECEIVES: '9',
        REDIS_URL: '', // As in a unit file: an empty variable is an unset one.
      },
    );
    assert.equal(instanceId, 'i-0123456789abcdef0');
    assert.equal(settings.PROJECT_ID, 'from-user-data');
    assert.equal(settings.REDIS_URL, 'redis://10.0.0.5:6379');
    assert.equal(settings.MAX_RECEIVES, 9);
    assert.equal(settings.THREADS, 4);
  });

  it('away from EC2 it names itself and takes the environment alone', async () => {
    const { instanceId, settings } = await identify(
      {},
      { AWS_ENDPOINT_URL: 'http://127.0.0.1:4566', PROJECT_ID: 'mine' },
    );
    assert.match(instanceId, /^local-.+-\d+$/);
    assert.equal(settings.PROJECT_ID, 'mine');
  });

  it('in a container it asks no metadata service, whatever endpoint there is', async () => {
    const { instanceId } = await identify(
      {},
      {
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:1',
      },
    );
    assert.match(instanceId, /^local-.+-\d+$/);
  });

  it('a metadata service that is silent is said so, with its address', async () => {
    await assert.rejects(
      identify({}, { AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:1' }),
      (error) => {
        assert.ok(error instanceof MetadataError);
        assert.match(error.message, /http:\/\/127\.0\.0\.1:1 gave no identity/);
        return true;
      },
    );
  });

  it('a wrong setting in the user data is named like any other', async () => {
    const endpoint = await serve('MAX_RECEIVES=often\n');
    await assert.rejects(identify({}, { AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint }), (error) => {
      assert.ok(error instanceof SettingsError);
      assert.match(error.message, /MAX_RECEIVES must be a whole number.*"often"/);
      return true;
    });
  });
});
