import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { silent, startTestRedis, type TestRedis } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import { connectRedis } from './connection.ts';
import { openGalleryVersion } from './gallery-version.ts';

let server: TestRedis;
before(async () => {
  server = await startTestRedis();
});
after(() => server.close());

test('the newest gallery version only grows, and whoever listens hears each that is newer', async () => {
  const version = openGalleryVersion(server.client, 'gallery-test', silent);
  assert.equal(await version.newest(), undefined);
  const told: number[] = [];
  const listening = version.onChanged((newest) => told.push(newest));
  await listening.heard;
  for (const one of [2, 1, 2, 10]) await version.announce(one);
  await until('the last version', () => told.includes(10));
  assert.deepEqual(told, [2, 10]);
  assert.equal(await version.newest(), 10);
  listening.close();
});

test('without Redis, announcing fails nothing and no version is known', async () => {
  const away = connectRedis('redis://127.0.0.1:1', 'test', silent);
  const version = openGalleryVersion(away, 'gallery-test', silent);
  await version.announce(3);
  assert.equal(await version.newest(), undefined);
  away.disconnect();
});
