import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestCloud, temporaryFolder } from '../../local/cloud.fixture.ts';
import { missingMoto, startMoto } from '../../local/moto.fixture.ts';
import { SettingsError } from '../../runtime/errors.ts';
import { putParameter } from './parameter.fixture.ts';
import { openSettingsParameter, SettingsParameterError } from './settings-parameter.ts';

const LINES = '/elastic-face/demo/settings';
const OBJECT = '/elastic-face/demo/more';
const BROKEN = '/elastic-face/demo/broken';

const clouds = [
  {
    name: 'the embedded cloud',
    skip: false as string | false,
    async start() {
      const folder = temporaryFolder();
      const { cloud, stop } = await startTestCloud(folder.path);
      return { url: cloud.url, stop: () => stop().then(folder.remove) };
    },
  },
  { name: 'moto', skip: await missingMoto(), start: startMoto },
];

for (const { name, skip, start } of clouds) {
  describe(`settings in the Parameter Store of ${name}`, { skip, timeout: 90_000 }, () => {
    let cloud: { url: string; stop(): Promise<void> };
    before(async () => {
      cloud = await start();
      await putParameter(cloud.url, LINES, '# a comment\nMAX_INSTANCES=50\nUNKNOWN_NAME=a = b\n');
      await putParameter(cloud.url, OBJECT, '{"REDIS_PASSWORD":"s3cret","MAX_INSTANCES":60}');
      await putParameter(cloud.url, BROKEN, '{"REDIS_PASSWORD":');
    });
    after(() => cloud.stop());

    const read = async (SETTINGS_PARAMETER: string, url = cloud.url) => {
      const source = openSettingsParameter({
        AWS_REGION: 'us-east-1',
        AWS_ENDPOINT_URL: url,
        SETTINGS_PARAMETER,
      });
      try {
        return await source?.read();
      } finally {
        source?.close();
      }
    };

    it('are lines of NAME=value', async () => {
      assert.deepEqual(await read(LINES), { MAX_INSTANCES: '50', UNKNOWN_NAME: 'a = b' });
    });

    it('may stand in several parameters, of which a later one wins', async () => {
      assert.deepEqual(await read(`${LINES},${OBJECT}`), {
        MAX_INSTANCES: 60,
        UNKNOWN_NAME: 'a = b',
        REDIS_PASSWORD: 's3cret',
      });
    });

    it('are a wrong setting where the parameter is missing or no object', async () => {
      await assert.rejects(read('/elastic-face/none'), (error) => {
        assert.ok(error instanceof SettingsError);
        assert.match(error.message, /names \/elastic-face\/none, which Parameter Store does not/);
        return true;
      });
      await assert.rejects(read(BROKEN), /demo\/broken is no JSON object/);
    });

    it('show no value in an error', async () => {
      await assert.rejects(read(BROKEN), (error: Error) => !error.message.includes('PASSWORD'));
    });
  });
}

describe('a Parameter Store that cannot be reached', () => {
  it('is an error that says so, and not a wrong setting', async () => {
    const source = openSettingsParameter({
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
      SETTINGS_PARAMETER: LINES,
    });
    await assert.rejects(async () => source?.read(), SettingsParameterError);
    source?.close();
  });
});
