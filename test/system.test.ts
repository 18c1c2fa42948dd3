import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import sharp from 'sharp';
import {
  APP_TIER_PATTERN,
  countInstances,
  listKeys,
  WEB_TIER_PATTERN,
} from '../cloud/aws/inspection.ts';
import { openQueue } from '../cloud/aws/sqs/queues.ts';
import { cloudNames } from '../cloud/contract/names.ts';
import { createEc2Clients, type Ec2Clients } from '../cloud/ec2/client.ts';
import { readSettings } from '../runtime/settings.ts';
import { until } from './condition.fixture.ts';
import { plainPhoto, postPhoto } from './form.fixture.ts';
import { modelDirectory } from './model.fixture.ts';
import { knownPhotos } from './photos.fixture.ts';
import { isAlive, processesBelow, type StartedSystem, startSystem } from './start.fixture.ts';

const PROJECT = 'system-test';
const names = cloudNames(PROJECT);

describe('the whole system on one machine', { timeout: 600_000 }, () => {
  let folder: string;
  let environment: Record<string, string>;
  let system: StartedSystem;
  let clients: Ec2Clients;
  let images: string;
  let expected: ReadonlyMap<string, string>;

  const start = async (): Promise<void> => {
    system = await startSystem(environment);
    clients = createEc2Clients(readSettings({ AWS_ENDPOINT_URL: system.cloudUrl }, {}));
  };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elastic-face-system-'));
    ({ images, expected } = await knownPhotos());
    environment = {
      PROJECT_ID: PROJECT,
      LOCAL_DATA_DIR: folder,
      MODEL_DIR: await modelDirectory(),
      MAX_INSTANCES: '3',
      IDLE_SECONDS: '2',
      VISIBILITY_SECONDS: '5',
      // Nothing of the machine may leak in.
      REDIS_URL: '',
      AWS_ENDPOINT_URL: '',
    };
    await start();
  });
  after(async () => {
    await system.stop();
    await rm(folder, { recursive: true });
  });

  const photo = (stem: string): Promise<Buffer> => readFile(join(images, `${stem}.jpg`));
  const stems = (from: number, count: number): string[] =>
    Array.from({ length: count }, (_, i) => `test_${String(from + i).padStart(3, '0')}`);
  const post = async (stem: string) => postPhoto(system.url, `${stem}.jpg`, await photo(stem));
  const alive = async (): Promise<number> => {
    const { running = 0, pending = 0 } = await countInstances(clients.ec2, APP_TIER_PATTERN);
    return running + pending;
  };
  const keysOf = async (bucket: string): Promise<string[]> =>
    ((await listKeys(clients.s3, bucket)) ?? []).sort();
  const fleetAtZero = () =>
    until('the fleet to be back at 0', async () => (await alive()) === 0, { limitMs: 60_000 });
  const workers = async () =>
    (await processesBelow(system.pid)).filter(({ command }) => / worker\b/.test(command));

  it('ten photos from zero instances: ten right answers, a fleet above 1, and back to 0', async () => {
    assert.equal(await alive(), 0);
    assert.equal((await countInstances(clients.ec2, WEB_TIER_PATTERN)).running, 1);
    let peak = 0;
    let done = false;
    const watching = (async () => {
      while (!done) {
        peak = Math.max(peak, await alive());
        assert.ok(peak <= 3, 'never above the largest fleet');
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const began = performance.now();
    const answers = await Promise.all(stems(0, 10).map(post));
    assert.ok(performance.now() - began < 120_000);
    done = true;
    await watching;
    assert.deepEqual(
      answers.map(({ status, text }) => `${status} ${text}`),
      stems(0, 10).map((stem) => `200 ${stem}:${expected.get(stem)}`),
    );
    assert.ok(peak > 1, `the fleet was at most ${peak}`);
    await fleetAtZero();
    assert.deepEqual(
      await keysOf(names.inBucket),
      stems(0, 10).map((stem) => `${stem}.jpg`),
    );
    assert.deepEqual(await keysOf(names.outBucket), stems(0, 10));
    for (const queue of [names.requestQueue, names.replyQueue, names.deadLetterQueue]) {
      const depth = await (await openQueue(clients.sqs, queue)).depth();
      assert.deepEqual(depth, { visible: 0, inFlight: 0, delayed: 0 }, queue);
    }
  });

  it('a photo without a face, a broken one and a good one each get their own answer', async () => {
    const whole = await photo('test_001');
    const [noFace, broken, good] = await Promise.all([
      postPhoto(system.url, 'wall.jpg', await plainPhoto()),
      postPhoto(system.url, 'broken.jpg', whole.subarray(0, whole.length / 2)),
      post('test_001'),
    ]);
    assert.equal(noFace.status, 422);
    assert.match(noFace.text, /^[^:\n]*face[^:\n]*\.$/i);
    assert.equal(broken.status, 422);
    assert.match(broken.text, /^[^\n]+\.$/);
    assert.equal(good.text, `test_001:${expected.get('test_001')}`);
  });

  it('two different photos under one name at once are each answered for their own bytes', async () => {
    const answers = await Promise.all(
      ['test_000', 'test_001', 'test_002'].map(async (stem) =>
        postPhoto(system.url, 'same.jpg', await photo(stem)),
      ),
    );
    assert.deepEqual(
      answers.map(({ text }) => text),
      ['test_000', 'test_001', 'test_002'].map((stem) => `same:${expected.get(stem)}`),
    );
    await fleetAtZero();
    const keys = (await keysOf(names.inBucket)).filter((key) => /same/.test(key));
    assert.deepEqual(keys, ['same.jpg']);
  });

  it('who asks for JSON gets the box, the landmarks and the nearest people', async () => {
    const answer = await postPhoto(system.url, 'test_000.jpg', await photo('test_000'), {
      Accept: 'application/json',
    });
    const { name, box, landmarks, nearest, width } = JSON.parse(answer.text);
    assert.equal(name, expected.get('test_000'));
    assert.ok(box[0] > 0 && box[0] < box[2] && box[2] < width);
    assert.equal(landmarks.length, 5);
    assert.deepEqual(nearest[0].name, name);
  });

  it('a worker killed with -9 while it computes: its request is answered all the same', async () => {
    await fleetAtZero();
    const requests = await openQueue(clients.sqs, names.requestQueue);
    // Large, so that it is in work for a while.
    const large = await sharp(await photo('test_003'))
      .resize(3000)
      .jpeg()
      .toBuffer();
    const answer = postPhoto(system.url, 'large.jpg', large);
    await until('the request to be in work', async () => (await requests.depth()).inFlight === 1, {
      limitMs: 60_000,
      everyMs: 5,
    });
    const killed = await workers();
    assert.ok(killed.length > 0);
    for (const { pid } of killed) process.kill(pid, 'SIGKILL');
    const { status, text } = await answer;
    assert.equal(status, 200, text);
    assert.match(text, /^large:[^:]+$/);
    await fleetAtZero();
    const keys = await keysOf(names.outBucket);
    assert.equal(keys.filter((key) => key === 'large').length, 1);
  });

  it('Ctrl-C leaves no process behind, and what was stored is there after the next start', async () => {
    await post('test_004');
    const before = await processesBelow(system.pid);
    assert.ok(before.some(({ command }) => / worker\b/.test(command)));
    assert.equal(await system.stop(), 0);
    for (const { pid, command } of before) assert.ok(!(await isAlive(pid)), command);
    await start();
    const stored = await clients.s3.send(
      new GetObjectCommand({ Bucket: names.outBucket, Key: 'test_004' }),
    );
    assert.equal(await stored.Body?.transformToString(), `test_004:${expected.get('test_004')}`);
    assert.equal((await post('test_005')).text, `test_005:${expected.get('test_005')}`);
  });
});
