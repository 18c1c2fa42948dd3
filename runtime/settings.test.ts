import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import type { z } from 'zod';
import { SettingsError } from './errors.ts';
import { redisUrlOf } from './process/service.ts';
import { settingsInEffect, settingsTable } from './settings/in-effect.ts';
import { isSecret } from './settings/kinds.ts';
import { readServiceSettings, readSettings, settingGroups, settingsSchema } from './settings.ts';

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

  it('of another service are none of its business', () => {
    const environment = { BACKEND: 'gpu', RATE_PER_MINUTE: '60' };
    assert.equal(readServiceSettings('web', {}, environment).RATE_PER_MINUTE, 60);
    assert.throws(() => readServiceSettings('worker', {}, environment), /BACKEND must be/);
    assert.ok(!('PORT' in readServiceSettings('worker', {}, {})));
  });

  it('that take an address, a key or a password are marked as secret', () => {
    const secretive = /URL|KEY|TOKEN|PASSWORD|SECRET|CREDENTIAL|HEADERS|HASH|ENDPOINT/;
    const addresses = ['http://user:password@host/', 'redis://user:password@host'];
    for (const [name, schema] of Object.entries<z.ZodType>(settingsSchema.shape)) {
      const takes = (value: string) => schema.safeParse(value).success;
      // What takes any text is never wrong, and so never shown in an error.
      const takesAddress = !takes('any text') && addresses.some(takes);
      if (!secretive.test(name) && !takesAddress) continue;
      assert.ok(isSecret(schema), `${name} should be wrapped in secret()`);
    }
  });

  for (const secret of [
    'redis://:s3cret@10.0.0.5:6379',
    'http//user:hunter2@proxy.example',
    'AKIAIOSFODNN7EXAMPLE',
    'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    'alice:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
  ]) {
    it(`do not show ${secret}, whichever setting it stands in`, () => {
      for (const name of Object.keys(settingsSchema.shape)) {
        try {
          readSettings({}, { [name]: secret });
        } catch (error) {
          assert.ok(error instanceof SettingsError);
          assert.ok(error.message.includes(name));
          assert.ok(!error.message.includes(secret), error.message);
        }
      }
    });
  }

  it('are documented by group, each once', async () => {
    const grouped = Object.values(settingGroups).flatMap((group) => Object.keys(group));
    assert.deepEqual(grouped.sort(), Object.keys(settingsSchema.shape).sort());
    const page = await readFile(new URL('../docs/settings.md', import.meta.url), 'utf8');
    for (const [title, group] of Object.entries(settingGroups)) {
      const table = tableOf(title, group);
      assert.ok(page.includes(table), `docs/settings.md should have:\n${table}`);
    }
  });

  it('in the README’s short table stand as in the schema', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    const rows = readme.match(/^\| `[A-Z][A-Z_0-9]+` \|.*$/gm) ?? [];
    assert.equal(rows.length, 8);
    const all = Object.entries(settingGroups)
      .map(([title, group]) => tableOf(title, group))
      .join('\n');
    for (const row of rows) assert.ok(all.includes(row), row);
  });
});

describe('settings in effect', () => {
  const environment = { PORT: '9000', REDIS_URL: 'redis://:s3cret@host', IDLE_SECONDS: '' };
  const find = (name: string) =>
    settingsInEffect(undefined, environment).find((setting) => setting.name === name);

  it('name their value and its source', () => {
    assert.deepEqual(find('PORT'), {
      name: 'PORT',
      group: 'Web tier',
      source: 'environment',
      value: 9000,
    });
    assert.equal(find('IDLE_SECONDS')?.source, 'default');
    assert.equal(find('AMI_ID')?.source, 'unset');
  });

  it('lie below the environment where a parameter holds them', () => {
    const parameter = { PORT: '9001', IDLE_SECONDS: '5', REDIS_PASSWORD: 's3cret' };
    const settings = settingsInEffect(undefined, environment, parameter);
    const found = (name: string) => settings.find((one) => one.name === name);
    assert.deepEqual([found('PORT')?.value, found('PORT')?.source], [9000, 'environment']);
    assert.deepEqual(
      [found('IDLE_SECONDS')?.value, found('IDLE_SECONDS')?.source],
      [5, 'parameter'],
    );
    assert.doesNotMatch(settingsTable(settings), /s3cret/);
  });

  it('make one URL of Redis and its password', () => {
    const REDIS_URL = 'rediss://cache:6380';
    assert.equal(redisUrlOf({ REDIS_URL }), REDIS_URL);
    assert.equal(redisUrlOf({ REDIS_URL, REDIS_PASSWORD: 'p' }), 'rediss://:p@cache:6380');
    const own = 'redis://:own@host:6379';
    assert.equal(redisUrlOf({ REDIS_URL: own, REDIS_PASSWORD: 'p' }), own);
    assert.equal(redisUrlOf({ REDIS_PASSWORD: 'p' }), undefined);
  });

  it('never show a secret', () => {
    const shown = settingsTable(settingsInEffect('web', environment));
    assert.match(shown, /REDIS_URL +\(set, not shown\)/);
    assert.doesNotMatch(shown, /s3cret|MODEL_DIR/);
  });
});

/** A group of settings as the documentation shows it. */
function tableOf(title: string, group: Readonly<Record<string, z.ZodType>>): string {
  const rows = Object.entries(group).map(([name, schema]) => {
    const fallback = schema.safeParse(undefined).data;
    const isFolder = name === 'MODEL_DIR' || name === 'LOCAL_DATA_DIR';
    const shown = fallback === undefined || isFolder ? '' : `\`${fallback}\``;
    return `| \`${name}\` | ${shown} | ${schema.description} |`;
  });
  return [
    `## ${title}`,
    '',
    '| setting | default | what it does |',
    '| --- | --- | --- |',
    ...rows,
  ].join('\n');
}
