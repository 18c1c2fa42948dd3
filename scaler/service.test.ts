import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { QueueError } from '../cloud/aws/sqs/queue-address.ts';
import { connectRedis } from '../cloud/redis/connection.ts';
import { SettingsError } from '../runtime/errors.ts';
import { readSettings } from '../runtime/settings.ts';
import { silent, startTestCloud } from '../test/cloud.fixture.ts';
import { until } from '../test/condition.fixture.ts';
import { launchOptions, startScaler } from './service.ts';

const REDIS_URL = 'redis://127.0.0.1:6379';

describe('the scaler at its start', { timeout: 30_000 }, () => {
  it('needs REDIS_URL, by name', async () => {
    await assert.rejects(
      startScaler(readSettings({}, {}), silent),
      (error) => error instanceof SettingsError && /^REDIS_URL is not set/.test(error.message),
    );
  });

  it('needs AMI_ID against AWS itself, by name; a cloud on this machine takes any', () => {
    assert.throws(
      () => launchOptions(readSettings({ REDIS_URL }, {}), silent),
      (error) => error instanceof SettingsError && /^AMI_ID is not set/.test(error.message),
    );
    const local = { REDIS_URL, AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' };
    assert.match(
      launchOptions(readSettings(local, {}), silent).imageId ?? '',
      /^ami-[0-9a-f]{17}$/,
    );
    const named = { ...local, AMI_ID: 'ami-0123456789abcdef0' };
    assert.equal(launchOptions(readSettings(named, {}), silent).imageId, named.AMI_ID);
    const template = { REDIS_URL, LAUNCH_TEMPLATE_ID: 'lt-0123456789abcdef0' };
    const { imageId, launchTemplateId } = launchOptions(readSettings(template, {}), silent);
    assert.deepEqual([imageId, launchTemplateId], [undefined, template.LAUNCH_TEMPLATE_ID]);
  });

  it('needs the project’s queue', async (t) => {
    const cloud = await startTestCloud();
    t.after(() => cloud.close());
    const settings = { ...cloud.settings, PROJECT_ID: 'another' };
    await assert.rejects(startScaler(settings, silent), QueueError);
  });

  it('listens for the first request, until it stops', async (t) => {
    const closing = new AsyncDisposableStack();
    t.after(() => closing.disposeAsync());
    const cloud = closing.adopt(await startTestCloud(), (opened) => opened.close());
    const settings = { ...cloud.settings, SCALER_PORT: 0 };
    const redis = connectRedis(settings.REDIS_URL ?? '', 'test', silent);
    closing.defer(() => redis.disconnect());
    const scaler = closing.adopt(await startScaler(settings, silent), (opened) => opened.stop());
    const channel = `${cloud.names.keys}:pressure-begins`;
    const hears = async (listeners: number) =>
      ((await redis.pubsub('NUMSUB', channel)) as unknown[])[1] === listeners;
    await until('it to listen', () => hears(1));
    await scaler.stop();
    await until('it to stop listening', () => hears(0));
  });

  it('tells instances what the image cannot know, and no password off this machine', () => {
    const aws = { AMI_ID: 'ami-0123456789abcdef0', PROJECT_ID: 'face', THREADS: 2 };
    const plain = launchOptions(readSettings({ ...aws, REDIS_URL }, {}), silent);
    assert.deepEqual(plain.userData, {
      PROJECT_ID: 'face',
      AWS_REGION: 'us-east-1',
      REDIS_URL,
      VISIBILITY_SECONDS: '30',
      MAX_RECEIVES: '5',
      REQUEST_SECONDS: '900',
      ALONE_SECONDS: '1800',
      BACKEND: 'auto',
      PRECISION: 'auto',
      THREADS: '2',
      LOG_LEVEL: 'info',
    });
    const within = launchOptions(
      readSettings({ ...aws, REDIS_URL, KNOWN_DISTANCE: 0.8 }, {}),
      silent,
    );
    assert.equal(within.userData.KNOWN_DISTANCE, '0.8');
    const collector = 'http://10.0.0.9:4318';
    const traced = { ...aws, REDIS_URL, OTEL_EXPORTER_OTLP_ENDPOINT: collector };
    assert.deepEqual(launchOptions(readSettings(traced, {}), silent).userData, {
      ...plain.userData,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector}/v1/traces`,
    });
    const secret = { ...aws, REDIS_URL: 'rediss://user:password@redis.example:6379' };
    const { userData } = launchOptions(readSettings(secret, {}), silent);
    assert.equal(JSON.stringify(userData).includes('password'), false);
    const onThisMachine = { ...secret, AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' };
    const local = launchOptions(readSettings(onThisMachine, {}), silent);
    assert.equal(local.userData.REDIS_URL, secret.REDIS_URL);
  });
});
