import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { APP_TIER_PATTERN, listKeys } from '../cloud/aws/inspection.ts';
import { openQueue } from '../cloud/aws/sqs/queues.ts';
import { cloudNames } from '../cloud/contract/names.ts';
import { createEc2Clients, type Ec2Clients } from '../cloud/ec2/client.ts';
import { LogFiles } from '../local/logs.ts';
import { readSettings } from '../runtime/settings.ts';
import { until } from './condition.fixture.ts';
import { postPhoto } from './form.fixture.ts';
import { modelDirectory } from './model.fixture.ts';
import { knownPhotos } from './photos.fixture.ts';
import { processesBelow, type StartedSystem, startSystem } from './start.fixture.ts';

const PROJECT = 'elasticity-test';
const MOST = 3;
const IDLE_SECONDS = 2;
/** After a call that failed the scaler tries again in its next tick. */
const TICK_MS = 1000;
const names = cloudNames(PROJECT);

describe('the whole system on an EC2 that boots slowly, lags, fails and loses answers', {
  timeout: 600_000,
}, () => {
  let folder: string;
  let system: StartedSystem;
  let clients: Ec2Clients;
  let images: string;
  let expected: ReadonlyMap<string, string>;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elastic-face-elasticity-'));
    ({ images, expected } = await knownPhotos());
    system = await startSystem({
      PROJECT_ID: PROJECT,
      LOCAL_DATA_DIR: folder,
      MODEL_DIR: await modelDirectory(),
      MAX_INSTANCES: String(MOST),
      IDLE_SECONDS: String(IDLE_SECONDS),
      VISIBILITY_SECONDS: '5',
      LOCAL_EC2_BOOT_SECONDS: '2',
      LOCAL_EC2_LAG_SECONDS: '1',
      LOCAL_EC2_FAILURES:
        'RunInstances=0.2:InsufficientInstanceCapacity,DescribeInstances=0.2:RequestLimitExceeded,TerminateInstances=0.2:InternalError',
      LOCAL_EC2_LOST_REPLIES: '*=0.2',
      // Nothing of the machine may leak in.
      REDIS_URL: '',
      AWS_ENDPOINT_URL: '',
    });
    clients = createEc2Clients(readSettings({ AWS_ENDPOINT_URL: system.cloudUrl }, {}));
  });
  after(async () => {
    clients.destroy();
    await system.stop();
    await rm(folder, { recursive: true });
  });

  /** What EC2 did, in its order and without its lag, as `start` tells it a person. */
  const fleetHistory = (): Map<string, string>[] => {
    const up = new Map<string, string>();
    const lines = [...system.said().matchAll(/^(app-tier-instance-\d+) (i-\w+) is ([\w-]+)/gm)];
    return [
      new Map(),
      ...lines.map(([, name = '', id = '', state = '']) => {
        if (state === 'pending' || state === 'running') up.set(id, name);
        else up.delete(id);
        return new Map(up);
      }),
    ];
  };
  const upNow = (): number => fleetHistory().at(-1)?.size ?? 0;

  /** The Name tags of what is pending or running, as anyone sees them through the API. */
  const namesListed = async (): Promise<string[] | undefined> => {
    const asked = clients.ec2.send(
      new DescribeInstancesCommand({
        Filters: [
          { Name: 'tag:Name', Values: [APP_TIER_PATTERN] },
          { Name: 'instance-state-name', Values: ['pending', 'running'] },
        ],
      }),
    );
    // This test's own calls fail too.
    const answer = await asked.catch(() => undefined);
    return answer?.Reservations?.flatMap(({ Instances = [] }) =>
      Instances.map(({ Tags = [] }) => Tags.find(({ Key }) => Key === 'Name')?.Value ?? ''),
    );
  };
  const workers = async () =>
    (await processesBelow(system.pid)).filter(({ command }) => / worker\b/.test(command));
  const checkLimits = async (): Promise<void> => {
    const listed = (await namesListed()) ?? [];
    assert.ok(listed.length <= MOST, `listed: ${listed}`);
    assert.equal(new Set(listed).size, listed.length, `listed: ${listed}`);
    const running = await workers();
    assert.ok(running.length <= MOST, running.map(({ command }) => command).join('\n'));
  };

  /** What EC2's failures took of this time, by the scaler's log: it cannot act while it sees nothing. */
  const secondsLost = async (since: number, until: number): Promise<number> => {
    const lines = await new LogFiles(join(folder, 'logs'), { service: 'scaler' }).next();
    let lost = 0;
    let blindFrom: number | undefined;
    for (const { msg = '', time } of lines) {
      const when = Date.parse(time);
      const at = Math.min(Math.max(when, since), until);
      if (msg.startsWith('Cannot read the list of instances')) blindFrom ??= at;
      if (msg.startsWith('Cannot terminate instances') && when === at) lost += TICK_MS;
      if (msg !== 'Can read the list of instances again' || blindFrom === undefined) continue;
      lost += at - blindFrom;
      blindFrom = undefined;
    }
    return (lost + (blindFrom === undefined ? 0 : until - blindFrom)) / 1000;
  };

  it('a burst of ten: all right, never too many, no number twice, back to none in time', async () => {
    const stems = [...expected.keys()].slice(0, 10);
    const answers = Promise.all(
      stems.map(async (stem) =>
        postPhoto(system.url, `${stem}.jpg`, await readFile(join(images, `${stem}.jpg`))),
      ),
    );
    let done = false;
    const watching = (async () => {
      while (!done) {
        await checkLimits();
        await delay(100);
      }
    })();
    const texts = (await answers).map(({ status, text }) => `${status} ${text}`);
    const answered = Date.now();
    assert.deepEqual(
      texts,
      stems.map((stem) => `200 ${stem}:${expected.get(stem)}`),
    );
    await until('the fleet to be gone', () => upNow() === 0, { limitMs: 60_000 });
    const gone = Date.now();
    // One that still boots when all is answered idles from when it is ready.
    const ready = (await new LogFiles(join(folder, 'logs'), { service: 'worker' }).next())
      .filter(({ msg }) => msg === 'The inference process is ready')
      .map(({ time }) => Date.parse(time));
    const idleFrom = Math.max(answered, ...ready);
    const tookSeconds = (gone - idleFrom) / 1000 - (await secondsLost(idleFrom, gone));
    done = true;
    await watching;
    assert.ok(
      tookSeconds <= IDLE_SECONDS + 5,
      `the fleet was gone after ${tookSeconds} s and what failed calls took`,
    );

    const history = fleetHistory();
    const peak = Math.max(...history.map(({ size }) => size));
    assert.ok(peak > 1 && peak <= MOST, `the fleet was at most ${peak}`);
    for (const up of history) assert.equal(new Set(up.values()).size, up.size, [...up].join(' '));
    // The account's limit is the same: the scaler may not even have tried to go over it.
    const said = await readFile(join(folder, 'logs', 'scaler.log'), 'utf8');
    assert.doesNotMatch(said, /InstanceLimitExceeded/);
    await until('no worker process', async () => (await workers()).length === 0);
    await until('the lists to say so', async () => (await namesListed())?.length === 0);
    assert.deepEqual((await listKeys(clients.s3, names.outBucket))?.sort(), stems.toSorted());
    for (const queue of [names.requestQueue, names.replyQueue, names.deadLetterQueue]) {
      const depth = await (await openQueue(clients.sqs, queue)).depth();
      assert.deepEqual(depth, { visible: 0, inFlight: 0, delayed: 0 }, queue);
    }
  });
});
