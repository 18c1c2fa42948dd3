import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import {
  EC2Client,
  type RunInstancesCommandInput,
  StartInstancesCommand,
  StopInstancesCommand,
} from '@aws-sdk/client-ec2';
import { readSettings } from '../../runtime/settings.ts';
import { until } from '../../test/condition.fixture.ts';
import { errorName, REGION, startTestCloud, temporaryFolder } from '../cloud.fixture.ts';
import { callsOf, named } from './calls.fixture.ts';
import type { ImitationSettings } from './fleet/imitation.ts';

interface Report {
  readonly pid: number;
  readonly environment: Record<string, string>;
}

/** A cloud that imitates, and calls that are made once: what the SDK would hide by trying again shows. */
async function withCloud(
  imitation: ImitationSettings | undefined,
  use: (cloud: Awaited<ReturnType<typeof openCloud>>) => Promise<void>,
): Promise<void> {
  const opened = await openCloud(imitation);
  try {
    await use(opened);
  } finally {
    await opened.close();
  }
}

async function openCloud(imitation: ImitationSettings | undefined) {
  const folder = temporaryFolder();
  const started = await startTestCloud(folder.path, {
    graceMs: 300,
    ...(imitation === undefined ? {} : { imitation }),
  });
  const once = new EC2Client({
    region: REGION,
    endpoint: started.cloud.url,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
  const reportFile = join(folder.path, 'report.json');
  return {
    ...callsOf(once),
    ec2: once,
    /** As the project's own clients call: with the SDK's tries. */
    patient: callsOf(started.clients.ec2),
    userData: `REPORT=${reportFile}\n`,
    report: (unlike?: number): Promise<Report> =>
      until('the instance to report', () => {
        if (!existsSync(reportFile)) return false;
        const text = readFileSync(reportFile, 'utf8');
        const report = text.endsWith('}') && (JSON.parse(text) as Report);
        return report && report.pid !== unlike && report;
      }),
    stopInstances: (InstanceIds: string[], more: { Hibernate?: boolean } = {}) =>
      once.send(new StopInstancesCommand({ InstanceIds, ...more })),
    startInstances: (InstanceIds: string[]) =>
      once.send(new StartInstancesCommand({ InstanceIds })),
    async close() {
      once.destroy();
      await started.stop();
      folder.remove();
    },
  };
}

const spot: Partial<RunInstancesCommandInput> = {
  InstanceMarketOptions: { MarketType: 'spot', SpotOptions: { SpotInstanceType: 'one-time' } },
};

describe('an EC2 that takes time and fails, when settings say so', { concurrency: 4 }, () => {
  test('with nothing set the answers are those of one that cannot imitate at all', async () => {
    const transcripts: unknown[] = [];
    for (const imitation of [undefined, readSettings({}, {})]) {
      await withCloud(imitation, async (cloud) => {
        const said: unknown[] = [];
        const launched = await cloud.run(undefined, { MinCount: 2, MaxCount: 2, ...named('a') });
        const ids = launched.map(({ InstanceId }) => InstanceId!);
        const seen = await cloud.describe([{ Name: 'tag:Name', Values: ['a'] }]);
        said.push(seen.map(({ InstanceId }) => ids.indexOf(InstanceId!)));
        const [taken] = await cloud.run(undefined, spot);
        for (const id of [...ids, taken!.InstanceId!]) await cloud.becomes(id, 'running');
        said.push((await cloud.stopInstances([ids[0]!])).StoppingInstances?.[0]?.PreviousState);
        await cloud.becomes(ids[0]!, 'stopped');
        said.push((await cloud.startInstances([ids[0]!])).StartingInstances?.[0]?.CurrentState);
        await cloud.becomes(ids[0]!, 'running');
        const { TerminatingInstances = [] } = await cloud.terminate(...ids);
        said.push(TerminatingInstances.map(({ CurrentState }) => CurrentState?.Name));
        for (const id of ids) await cloud.becomes(id, 'terminated');
        const all = await cloud.describe([]);
        said.push(all.map(({ State, StateReason }) => [State?.Name, StateReason?.Code]));
        transcripts.push(said);
      });
    }
    assert.deepEqual(transcripts[1], transcripts[0]);
    assert.deepEqual((transcripts[0] as unknown[])[0], [0, 1], 'listed as soon as launched');
  });

  test('it boots, stops and hibernates in its time; a stopped one starts sooner, under the same id', async () => {
    const imitation = {
      LOCAL_EC2_BOOT_SECONDS: '4',
      LOCAL_EC2_START_SECONDS: '0.3',
      LOCAL_EC2_STOP_SECONDS: '0.5',
      LOCAL_EC2_HIBERNATE_SECONDS: '1',
    };
    await withCloud(imitation, async (cloud) => {
      let asked = performance.now();
      const took = async (id: string, state: string): Promise<number> => {
        await cloud.becomes(id, state);
        return performance.now() - asked;
      };
      const [launched] = await cloud.run(cloud.userData, named('warm'));
      const id = launched!.InstanceId!;
      const booted = await took(id, 'running');
      assert.ok(booted >= 4000, `${booted} ms`);
      const first = await cloud.report();

      asked = performance.now();
      const { StoppingInstances } = await cloud.stopInstances([id]);
      assert.equal(StoppingInstances?.[0]?.CurrentState?.Name, 'stopping');
      const stopped = await took(id, 'stopped');
      assert.ok(stopped >= 500, `${stopped} ms`);
      assert.equal(await errorName(fetchMetadata(first)), 'TypeError', 'nothing of it runs');

      asked = performance.now();
      const { StartingInstances } = await cloud.startInstances([id]);
      assert.equal(StartingInstances?.[0]?.CurrentState?.Name, 'pending');
      const started = await took(id, 'running');
      assert.ok(started >= 300 && started < booted, `${started} ms`);
      assert.notEqual((await cloud.report(first.pid)).pid, first.pid);
      const [same] = await cloud.describe([{ Name: 'tag:Name', Values: ['warm'] }]);
      assert.equal(same?.InstanceId, id);

      asked = performance.now();
      await cloud.stopInstances([id], { Hibernate: true });
      const hibernated = await took(id, 'stopped');
      assert.ok(hibernated >= 1000, `${hibernated} ms`);
      await cloud.terminate(id);
      assert.equal(await cloud.stateOf(id), 'terminated');
    });
  });

  test('one that is terminated while it is stopping does not wait', async () => {
    await withCloud({ LOCAL_EC2_STOP_SECONDS: '600' }, async (cloud) => {
      const [launched] = await cloud.run(undefined);
      await cloud.becomes(launched!.InstanceId!, 'running');
      await cloud.stopInstances([launched!.InstanceId!]);
      await cloud.terminate(launched!.InstanceId!);
      await cloud.becomes(launched!.InstanceId!, 'terminated');
    });
  });

  test('its lists lag behind: new instances are not found yet, states are those of before', async () => {
    await withCloud({ LOCAL_EC2_LAG_SECONDS: 1 }, async (cloud) => {
      const began = performance.now();
      const [launched] = await cloud.run(undefined, named('late'));
      const id = launched!.InstanceId!;
      const byTag = () => cloud.describe([{ Name: 'tag:Name', Values: ['late'] }]);
      assert.deepEqual(await byTag(), []);
      await until('it to be listed', async () => (await byTag()).length === 1);
      assert.ok(performance.now() - began >= 1000);
      await cloud.becomes(id, 'running');

      const asked = performance.now();
      const { TerminatingInstances } = await cloud.terminate(id);
      assert.equal(TerminatingInstances?.[0]?.CurrentState?.Name, 'shutting-down');
      assert.equal(await cloud.stateOf(id), 'running');
      await cloud.becomes(id, 'terminated');
      assert.ok(performance.now() - asked >= 1000);
    });
  });

  test('calls that fail change nothing, and the SDK tries again what EC2 wants tried again', async () => {
    const LOCAL_EC2_FAILURES = 'RunInstances=1:InsufficientInstanceCapacity';
    await withCloud({ LOCAL_EC2_FAILURES }, async (cloud) => {
      const failure = await cloud.patient.run(undefined).catch((error) => error);
      assert.equal(failure.name, 'InsufficientInstanceCapacity');
      assert.equal(failure.$metadata.httpStatusCode, 500);
      assert.equal(failure.$metadata.attempts, 3);
      assert.deepEqual(await cloud.describe([]), []);
    });
  });

  test('which calls fail is the same for the same seed', async () => {
    const outcomes = async (LOCAL_EC2_SEED: number): Promise<string[]> => {
      const seen: string[] = [];
      const LOCAL_EC2_FAILURES =
        'DescribeInstances=0.3:RequestLimitExceeded,DescribeInstances=0.2:InternalError';
      await withCloud({ LOCAL_EC2_FAILURES, LOCAL_EC2_SEED }, async (cloud) => {
        for (let i = 0; i < 40; i++) {
          seen.push(
            await cloud.describe([]).then(
              () => 'ok',
              (error) => `${error.$metadata.httpStatusCode} ${error.name}`,
            ),
          );
        }
      });
      return seen;
    };
    const first = await outcomes(5);
    assert.deepEqual(
      new Set(first),
      new Set(['ok', '503 RequestLimitExceeded', '500 InternalError']),
    );
    assert.deepEqual(await outcomes(5), first);
    assert.notDeepEqual(await outcomes(6), first);
  });

  test('a call whose answer is lost was carried out; the same token does not launch again', async () => {
    await withCloud({ LOCAL_EC2_LOST_REPLIES: 'RunInstances=1' }, async (cloud) => {
      const launch = () => cloud.run(undefined, { ClientToken: 'once' });
      assert.ok(['ECONNRESET', 'EPIPE'].includes((await codeOf(launch())) ?? ''));
      await codeOf(launch());
      assert.equal((await cloud.describe([])).length, 1);
    });
  });

  test('there is only so much hardware: fewer than asked, or none, by type and in all', async () => {
    await withCloud({ LOCAL_EC2_CAPACITY: '*=3,c7i.large=2' }, async (cloud) => {
      const many = { MinCount: 1, MaxCount: 5 };
      const most = await cloud.run(undefined, many);
      assert.equal(most.length, 2);
      assert.equal(await errorName(cloud.run(undefined)), 'InsufficientInstanceCapacity');
      const InstanceType = 'c7a.large';
      assert.equal(
        await errorName(cloud.run(undefined, { InstanceType, MinCount: 2, MaxCount: 2 })),
        'InsufficientInstanceCapacity',
      );
      const [other] = await cloud.run(undefined, { InstanceType, ...many, SubnetId: 'subnet-b' });
      assert.deepEqual([other?.InstanceType, other?.SubnetId], [InstanceType, 'subnet-b']);

      // A stopped one gives its place to others, and may not get it back.
      const id = most[0]!.InstanceId!;
      await cloud.becomes(id, 'running');
      await cloud.stopInstances([id]);
      await cloud.becomes(id, 'stopped');
      await cloud.run(undefined, { InstanceType });
      assert.equal(await errorName(cloud.startInstances([id])), 'InsufficientInstanceCapacity');
      assert.equal(await cloud.stateOf(id), 'stopped');
    });
  });

  test('a spot instance gets a notice in its metadata, then is taken; others are left alone', async () => {
    const imitation = { LOCAL_EC2_SPOT_INTERRUPTIONS: 3600, LOCAL_EC2_SPOT_NOTICE_SECONDS: 2 };
    await withCloud(imitation, async (cloud) => {
      const [lasting] = await cloud.run(undefined);
      const [launched] = await cloud.run(cloud.userData, spot);
      const id = launched!.InstanceId!;
      assert.equal(launched?.InstanceLifecycle, 'spot');
      assert.match(launched?.SpotInstanceRequestId ?? '', /^sir-/);
      assert.equal(await errorName(cloud.stopInstances([id])), 'UnsupportedOperation');
      const metadata = await fetchMetadata(await cloud.report());
      assert.equal(await metadata('instance-life-cycle'), 'spot');
      const action = await until('the notice', () => metadata('spot/instance-action'));
      assert.ok(await metadata('events/recommendations/rebalance'), 'recommended before');
      const { action: what, time } = JSON.parse(action);
      assert.equal(what, 'terminate');
      assert.equal(await metadata('spot/termination-time'), time);
      assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      await cloud.becomes(id, 'terminated');
      assert.ok(Date.now() >= Date.parse(time), 'not before it was told');
      const [gone] = await cloud.describe([{ Name: 'instance-lifecycle', Values: ['spot'] }]);
      assert.equal(gone?.StateReason?.Code, 'Server.SpotInstanceTermination');
      assert.equal(await cloud.stateOf(lasting!.InstanceId!), 'running');
    });
  });
});

/** The code of the system error a call ended with. */
async function codeOf(call: Promise<unknown>): Promise<string | undefined> {
  return call.then(
    () => undefined,
    (error) => error.code,
  );
}

/** Reads an instance's metadata as it would itself; undefined where there is nothing. */
async function fetchMetadata({ environment }: Report) {
  const endpoint = environment.AWS_EC2_METADATA_SERVICE_ENDPOINT;
  const answer = await fetch(`${endpoint}/latest/api/token`, {
    method: 'PUT',
    headers: { 'X-aws-ec2-metadata-token-ttl-seconds': '60' },
  });
  const headers = { 'X-aws-ec2-metadata-token': await answer.text() };
  return async (path: string): Promise<string | undefined> => {
    const response = await fetch(`${endpoint}/latest/meta-data/${path}`, { headers });
    const text = await response.text();
    return response.ok ? text : undefined;
  };
}
