import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { SettingsError } from './errors.ts';
import { readSettings, settingsSchema } from './settings.ts';

describe('settings', () => {
  it('have the contract’s defaults', () => {
    const settings = readSettings({}, {});
    assert.equal(settings.PROJECT_ID, 'local');
    assert.equal(settings.PORT, 8000);
    assert.equal(settings.AWS_REGION, 'us-east-1');
    assert.equal(settings.MAX_INSTANCES, 20);
    assert.equal(settings.LOCAL_CLOUD_PORT, 4566);
  });

  it('come from the environment, with flags on top', () => {
    const environment = { PORT: '9000', IDLE_SECONDS: '2.5', UNKNOWN: 'passed over' };
    const settings = readSettings({ PORT: 9001, THREADS: undefined }, environment);
    assert.deepEqual([settings.PORT, settings.IDLE_SECONDS, settings.THREADS], [9001, 2.5, 1]);
  });

  it('an empty variable counts as unset', () => {
    assert.equal(readSettings({}, { PORT: '', AWS_ENDPOINT_URL: '' }).PORT, 8000);
  });

  for (const [name, value, rule] of [
    ['PORT', 'eighty', /PORT must be a whole number from 0 to 65535 \(got "eighty"\)/],
    ['PORT', '65536', /at most 65535/],
    ['MAX_INSTANCES', '0', /MAX_INSTANCES must be at least 1/],
    ['PROJECT_ID', 'Not_Allowed', /PROJECT_ID must be 1 to 40 lower-case letters/],
    ['AWS_REGION', 'mars', /AWS_REGION must be an AWS region/],
    ['AWS_ENDPOINT_URL', 'localhost:4566', /AWS_ENDPOINT_URL must be an http/],
    ['REDIS_URL', 'http://x', /REDIS_URL must be a redis/],
    ['MAX_UPLOAD_MB', '0', /MAX_UPLOAD_MB must be at least 0.01 megabytes \(got "0"\)/],
    ['BACKEND', 'gpu', /BACKEND must be auto, tensorflow or wasm/],
    ['PRECISION', 'half', /PRECISION must be auto, float32 or bfloat16/],
    ['AMI_ID', 'debian', /AMI_ID must be an AMI id/],
  ] as const) {
    it(`${name}=${value} is refused with its name, its rule and what was given`, () => {
      assert.throws(
        () => readSettings({}, { [name]: value }),
        (error) => error instanceof SettingsError && rule.test(error.message),
      );
    });
  }

  for (const [name, value, secret] of [
    ['REDIS_URL', 'redis//:s3cret@host', 's3cret'],
    ['REDIS_URL', 'redis://host?password=s3cret', 's3cret'],
    ['REDIS_URL', 'redis://host?sentinelPassword=s3cret', 's3cret'],
    ['API_KEYS', 'alice:sk-live-abcdef', 'abcdef'],
    ['ADMIN_KEY_HASH', 'my-plain-admin-key', 'plain'],
    ['AWS_ENDPOINT_URL', 'http//user:hunter2@host', 'hunter2'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http//user:hunter2@host', 'hunter2'],
  ] as const) {
    it(`${name}=${value} is refused by name, and its value is not shown`, () => {
      assert.throws(
        () => readSettings({}, { [name]: value }),
        (error) =>
          error instanceof SettingsError &&
          error.message.includes(name) &&
          !error.message.includes(secret),
      );
    });
  }

  it('REDIS_URL may name a database and an address family', () => {
    const url = 'redis://user:password@host:6380/0?family=6&db=2';
    assert.equal(readSettings({}, { REDIS_URL: url }).REDIS_URL, url);
  });

  it('that are wrong are all named at once', () => {
    assert.throws(() => readSettings({}, { PORT: 'x', BACKEND: 'y' }), /PORT .*; BACKEND /);
  });

  it('stand in the README’s table as they stand in the schema', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    const table = Object.entries(settingsSchema.shape)
      .map(([name, schema]) => {
        const fallback = schema.safeParse(undefined).data;
        const shown =
          fallback === undefined || name === 'MODEL_DIR' || name === 'LOCAL_DATA_DIR'
            ? ''
            : `\`${fallback}\``;
        return `| \`${name}\` | ${shown} | ${schema.description} |`;
      })
      .join('\n');
    assert.ok(readme.includes(table), `The README’s settings table should be:\n${table}`);
  });
});
