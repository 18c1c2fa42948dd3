import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { countInstances } from '../cloud/aws/inspection.ts';
import { provision } from '../cloud/aws/provision.ts';
import { openPhotos } from '../cloud/aws/s3/objects.ts';
import { openQueue } from '../cloud/aws/sqs/queues.ts';
import { encodeRequest } from '../cloud/contract/messages.ts';
import { cloudNames } from '../cloud/contract/names.ts';
import { scalerStatusSchema } from '../cloud/contract/scaler-status.ts';
import { connectRedis } from '../cloud/redis/connection.ts';
import { openPressure } from '../cloud/redis/pressure.ts';
import { REGION, startTestCloud, temporaryFolder } from '../local/cloud.fixture.ts';
import {
  cloudEnvironment,
  machineEnvironment,
  processLauncher,
} from '../local/processes/instances.ts';
import { startRedis } from '../local/redis.ts';
import { readSettings } from '../runtime/settings.ts';
import { silent } from '../test/cloud.fixture.ts';
import { until } from '../test/condition.fixture.ts';

const COMMAND_LINE = fileURLToPath(new URL('../elastic-face.ts', import.meta.url));
const WORKER = fileURLToPath(new URL('../test/double-worker.fixture.ts', import.meta.url));
const MOST = 2;

/** `elastic-face scaler` as a process of its own. */
class ScalerProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<unknown[]>;
  log = '';
  ready = false;
  port: number | undefined;

  constructor(env: Record<string, string>) {
    this.child = spawn(process.execPath, [COMMAND_LINE, 'scaler'], {
      env,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.child.stderr?.on('data', (chunk) => {
      this.log += chunk;
    });
    this.child.on('message', (message) => {
      const { ready, listening } = message as { ready?: boolean; listening?: number };
      this.ready ||= ready === true;
      this.port ??= listening;
    });
    this.exited = once(this.child, 'exit');
  }

  async role(): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.port}/status`);
    return scalerStatusSchema.parse(await response.json()).role;
  }

  says(words: string, limitMs = 20_000): Promise<true> {
    return until(`the scaler to say '${words}'`, () => this.log.includes(words), { limitMs });
  }
}

describe('scalers as processes, with real workers as instances', { timeout: 120_000 }, () => {
  const folder = temporaryFolder();
  const gate = join(folder.path, 'gate');
  const closing: (() => unknown)[] = [folder.remove];
  const scalers: ScalerProcess[] = [];
  let start: (more?: Record<string, string>) => ScalerProcess;
  let otherRedis: string;
  let send: (file: string, photo: string) => Promise<void>;
  let running: () => Promise<number>;
  let answered: () => Promise<number>;
  let gone: () => Promise<boolean>;

  before(async () => {
    const { cloud, clients, stop } = await startTestCloud(folder.path, {
      instanceLimit: MOST,
      launcher: (endpointUrl) =>
        processLauncher({
          args: [WORKER],
          image: { MODEL_DIR: folder.path },
          endpointUrl,
          region: REGION,
          logFolder: join(folder.path, 'logs'),
          machine: process.env,
        }),
    });
    closing.unshift(stop);
    const server = await startRedis({ folder: folder.path, logFile: '', searchPath: '' });
    closing.unshift(() => server.stop());
    const settings = readSettings({ PROJECT_ID: 'takeover', AWS_ENDPOINT_URL: cloud.url }, {});
    const names = cloudNames(settings.PROJECT_ID);
    await provision(clients, settings);
    const redis = connectRedis(server.url, 'test', silent);
    closing.unshift(() => redis.disconnect());
    const pressure = openPressure(redis, names.keys, 60_000);
    const photos = openPhotos(clients.s3, names.inBucket);
    const requests = await openQueue(clients.sqs, names.requestQueue);
    const replies = await openQueue(clients.sqs, names.replyQueue);
    send = async (file, photo) => {
      const id = randomUUID();
      await photos.put(file, Buffer.from(photo), 'image/jpeg');
      await pressure.begin(id, file);
      await requests.send(encodeRequest({ id, file, key: file, node: 'test', sentAt: Date.now() }));
    };
    const counts = () => countInstances(clients.ec2, 'app-tier-instance-*');
    running = async () => (await counts()).running ?? 0;
    gone = async () => {
      const { terminated = 0, ...others } = await counts();
      return terminated > 0 && Object.keys(others).length === 0;
    };
    answered = async () => (await replies.depth()).visible;
    const other = await startRedis({ folder: folder.path, logFile: '', searchPath: '' });
    closing.unshift(() => other.stop());
    otherRedis = other.url;
    start = (more = {}) => {
      const scaler = new ScalerProcess({
        ...machineEnvironment(process.env),
        ...cloudEnvironment({ endpointUrl: cloud.url, region: REGION }),
        PROJECT_ID: settings.PROJECT_ID,
        REDIS_URL: server.url,
        MAX_INSTANCES: String(MOST),
        IDLE_SECONDS: '1',
        ALONE_SECONDS: '8',
        ...more,
      });
      scalers.push(scaler);
      return scaler;
    };
  });
  after(async () => {
    for (const { child } of scalers) child.kill('SIGKILL');
    for (const close of closing) await close();
  });

  it('a standby takes over within 5 s of a kill -9, adopts the fleet and brings it to zero', async () => {
    const one = start();
    await one.says('This scaler leads');
    const two = start();
    await two.says('standing by');
    assert.ok(one.ready && two.ready, 'both said so through their channel');
    assert.deepEqual([await one.role(), await two.role()], ['leader', 'standby']);
    for (const file of ['a.jpg', 'b.jpg', 'c.jpg']) await send(file, 'held gate');
    await until('the whole fleet', async () => (await running()) === MOST);

    // A scaler that shares no Redis with them neither leads nor ends anyone.
    const stranger = start({ REDIS_URL: otherRedis, BOOT_SECONDS: '1' });
    await stranger.says('A scaler with another Redis leads this project');
    assert.equal(await stranger.role(), 'standby');

    one.child.kill('SIGKILL');
    await two.says('This scaler leads', 5000);
    assert.equal(await running(), MOST, 'all work on');
    writeFileSync(gate, '');
    await until('every answer', async () => (await answered()) === 3);
    await until('an empty fleet', gone, { limitMs: 30_000 });
    assert.doesNotMatch(
      stranger.log,
      /this one leads the project|terminate app-tier|launch app-tier/,
    );
    stranger.child.kill('SIGKILL');
    assert.match(two.log, /terminate app-tier-instances?[- ]\d.*: it has drained/);

    // Out again by the one that took over; told to stop, it leaves the instances as they are.
    await send('d.jpg', 'held later');
    await until('an instance', async () => (await running()) === 1);
    two.child.kill('SIGTERM');
    assert.deepEqual(await two.exited, [0, null]);
    assert.equal(await running(), 1);
    writeFileSync(join(folder.path, 'later'), '');
    await until('one more answer', async () => (await answered()) === 4);
    // No scaler is left to end it: after a while it ends itself.
    await until('its own end', gone, { limitMs: 40_000 });
  });
});
