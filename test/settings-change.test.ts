/**
 * A changed parameter reaches web tier, scaler and workers, and no photo is lost. With SETTINGS_CHANGE=full
 * the services look as seldom as they really do.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { putParameter } from '../cloud/aws/parameter.fixture.ts';
import { provision } from '../cloud/aws/provision.ts';
import { REGION, startTestCloud, temporaryFolder } from '../local/cloud.fixture.ts';
import { LOCAL_IMAGE_ID } from '../local/ec2/lists/offers.ts';
import { type Child, startChild } from '../local/processes/child.ts';
import { cloudEnvironment, processLauncher } from '../local/processes/instances.ts';
import { freePort, type LocalRedis, startRedis } from '../local/redis.ts';
import { readSettings } from '../runtime/settings.ts';
import { until } from './condition.fixture.ts';
import { plainPhoto, postPhoto } from './form.fixture.ts';

const PARAMETER = '/elastic-face/changing/settings';
const isFull = process.env.SETTINGS_CHANGE === 'full';
const POLL: Record<string, string> = isFull ? {} : { SETTINGS_POLL_MS: '300' };
/** Asked of the real intervals. */
const LIMIT_MS = 60_000;
const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

describe('a setting that changes in Parameter Store', { timeout: 180_000 }, () => {
  const folder = temporaryFolder();
  const children: Child[] = [];
  let redis: LocalRedis;
  let cloud: Awaited<ReturnType<typeof startTestCloud>>;
  const urls = new Map<string, string>();

  const write = (settings: Record<string, string | number>): Promise<void> =>
    putParameter(
      cloud.cloud.url,
      PARAMETER,
      Object.entries({ IDLE_SECONDS: 60, AMI_ID: LOCAL_IMAGE_ID, ...settings })
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    );
  const start = async (name: 'web' | 'scaler'): Promise<void> => {
    const listening = Promise.withResolvers<number>();
    children.push(
      await startChild({
        args: [file('./settings-service.fixture.ts'), name],
        environment: {
          PATH: process.env.PATH ?? '',
          ...cloudEnvironment({ endpointUrl: cloud.cloud.url, region: REGION }),
          PROJECT_ID: 'changing',
          REDIS_URL: redis.url,
          SETTINGS_PARAMETER: PARAMETER,
          PORT: '0',
          SCALER_PORT: String(await freePort()),
          ...POLL,
        },
        logFile: join(folder.path, 'logs', `${name}.log`),
        graceMs: 20_000,
        onMessage: (message) => listening.resolve((message as { listening: number }).listening),
      }),
    );
    urls.set(name, `http://127.0.0.1:${await listening.promise}/`);
  };
  const url = (name: string): string => urls.get(name) ?? '';

  before(async () => {
    redis = await startRedis({
      folder: join(folder.path, 'redis'),
      logFile: '',
      searchPath: process.env.PATH ?? '',
    });
    cloud = await startTestCloud(folder.path, {
      launcher: (endpointUrl) =>
        processLauncher({
          args: [file('./slow-worker.fixture.ts')],
          image: { MODEL_DIR: folder.path, ...POLL },
          endpointUrl,
          region: REGION,
          logFolder: join(folder.path, 'logs'),
          machine: process.env,
        }),
    });
    writeFileSync(join(folder.path, 'seconds'), '0.03');
    await provision(cloud.clients, readSettings({ PROJECT_ID: 'changing' }, {}));
    await write({ MAX_INSTANCES: 2, MAX_UPLOAD_MB: 1 });
    await Promise.all([start('web'), start('scaler')]);
  });
  after(async () => {
    for (const child of children) child.stop();
    await Promise.all(children.map(({ gone }) => gone));
    await cloud.stop();
    await redis.stop();
    folder.remove();
  });

  const logOf = (name: string): string => {
    const path = join(folder.path, 'logs', `${name}.log`);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  };
  it('takes effect in every service without a restart, and loses no photo', async () => {
    let posting = true;
    let posted = 0;
    const wrong: string[] = [];
    const clients = Promise.all(
      [0, 1, 2, 3].map(async (client) => {
        for (let n = 0; posting; n++) {
          const name = `p${client}-${n}`;
          const photo = await plainPhoto(n % 256);
          const digest = createHash('sha256').update(photo).digest('hex').slice(0, 12);
          const answer = await postPhoto(url('web'), `${name}.jpg`, photo).then(
            ({ status, text }) => `${status} ${text}`,
            (error: Error) => error.message,
          );
          posted += 1;
          if (answer !== `200 ${name}:${digest}`) wrong.push(answer);
          await delay(20);
        }
      }),
    );
    await until('answers', () => posted > 20, { limitMs: 60_000 });
    const instances = ['app-tier-instance-1', 'app-tier-instance-2'].filter((name) => logOf(name));
    const before = posted;
    const changedAt = performance.now();
    await write({ MAX_INSTANCES: 3, MAX_UPLOAD_MB: 0.1, KNOWN_DISTANCE: 0.7 });
    await until(
      'the new settings in every service',
      () =>
        ['web', 'scaler', ...instances].every((name) =>
          logOf(name).includes('The changed settings are in effect'),
        ),
      { limitMs: LIMIT_MS },
    );
    const seconds = (performance.now() - changedAt) / 1000;
    assert.equal((await postPhoto(url('web'), 'big.jpg', Buffer.alloc(300_000))).status, 413);
    const metrics = await (await fetch(`${url('scaler')}metrics`)).text();
    assert.match(metrics, /fleet_bound_instances\{bound="largest"\} 3\n/);
    await until('photos after the change', () => posted > before + 40, { limitMs: 60_000 });
    posting = false;
    await clients;
    console.log(
      `settings in effect after ${seconds.toFixed(1)} s in web, scaler and ${instances.length} worker(s); ${posted} photos, ${wrong.length} lost`,
    );
    assert.deepEqual(wrong, []);
    assert.doesNotMatch(logOf('scaler'), /Terminating|"terminate"/, 'no instance was replaced');
  });
});
