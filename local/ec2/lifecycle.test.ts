import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after } from 'node:test';
import {
  DescribeInstancesCommand,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { until } from '../../test/condition.fixture.ts';
import { errorName, isAlive, startTestCloud, temporaryFolder } from '../cloud.fixture.ts';
import { callsOf, named } from './calls.fixture.ts';
import { LOCAL_IMAGE_ID } from './lists/offers.ts';

const folder = temporaryFolder();
const { cloud, clients, stop } = await startTestCloud(folder.path, {
  instanceLimit: 12,
  graceMs: 300,
});
const { ec2 } = clients;
const { run, describe, becomes, terminate } = callsOf(ec2);
after(async () => {
  await stop();
  folder.remove();
});

interface Report {
  readonly pid: number;
  readonly grandchild: number;
  readonly environment: Record<string, string>;
  readonly userData: string;
}

async function reportIn(file: string): Promise<Report> {
  return until('the instance to report', () => {
    if (!existsSync(file)) return false;
    const text = readFileSync(file, 'utf8');
    return text.endsWith('}') && (JSON.parse(text) as Report);
  });
}
test('an instance is a process: pending, running, and gone with all it started when terminated', async () => {
  const file = join(folder.path, 'life.json');
  const [launched] = await run(`REPORT=${file}\nGRANDCHILD=1\n`, named('app-tier-instance-1'));
  const id = launched!.InstanceId!;
  assert.equal(launched?.State?.Name, 'pending');
  assert.equal(launched?.State?.Code, 0);
  assert.deepEqual(launched?.Tags, [{ Key: 'Name', Value: 'app-tier-instance-1' }]);
  await becomes(id, 'running');
  const { pid, grandchild } = await reportIn(file);
  assert.ok(await isAlive(pid));
  assert.ok(await isAlive(grandchild));

  const { TerminatingInstances } = await terminate(id);
  assert.deepEqual(TerminatingInstances, [
    {
      InstanceId: id,
      CurrentState: { Code: 32, Name: 'shutting-down' },
      PreviousState: { Code: 16, Name: 'running' },
    },
  ]);
  await becomes(id, 'terminated');
  assert.ok(!(await isAlive(pid)));
  assert.ok(!(await isAlive(grandchild)));
  const [gone] = await describe([{ Name: 'instance-id', Values: [id] }]);
  assert.equal(gone?.State?.Code, 48);
  assert.equal(gone?.StateReason?.Code, 'Client.UserInitiatedShutdown');
  // Again is not an error.
  assert.equal((await terminate(id)).TerminatingInstances?.[0]?.PreviousState?.Code, 48);
});

test('its environment is that of an instance, not of the shell that started the cloud', async () => {
  process.env.A_SECRET_OF_THE_SHELL = 'secret';
  const file = join(folder.path, 'environment.json');
  const [launched] = await run(`REPORT=${file}\nPROJECT_ID=p\n`);
  const { environment, userData } = await reportIn(file);
  delete process.env.A_SECRET_OF_THE_SHELL;
  assert.equal(environment.A_SECRET_OF_THE_SHELL, undefined);
  assert.equal(environment.AWS_ENDPOINT_URL, cloud.url);
  assert.equal(environment.AWS_REGION, 'us-east-1');
  assert.equal(environment.MODEL_DIR, '/the/image');
  assert.match(environment.AWS_EC2_METADATA_SERVICE_ENDPOINT!, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.equal(userData, `REPORT=${file}\nPROJECT_ID=p\n`);
  const log = join(folder.path, 'logs', `${launched!.InstanceId}.log`);
  await until('its log', () => readFileSync(log, 'utf8').includes('"said":"started"'));
  await terminate(launched!.InstanceId!);
});

test('one that will not end is killed after its grace', async () => {
  const file = join(folder.path, 'stubborn.json');
  const [launched] = await run(`STUBBORN=1\nREPORT=${file}\n`);
  const { pid } = await reportIn(file);
  await terminate(launched!.InstanceId!);
  await becomes(launched!.InstanceId!, 'terminated');
  assert.ok(!(await isAlive(pid)));
});

test('one that ends by itself, or is killed, is terminated with the reason', async () => {
  const [leaving] = await run('LEAVE=1\n');
  await becomes(leaving!.InstanceId!, 'terminated');
  const [left] = await describe([{ Name: 'instance-id', Values: [leaving!.InstanceId!] }]);
  assert.equal(left?.StateReason?.Code, 'Client.InstanceInitiatedShutdown');
  assert.match(left?.StateReason?.Message ?? '', /exited with code 0/);

  const file = join(folder.path, 'killed.json');
  const [killed] = await run(`REPORT=${file}\n`);
  process.kill((await reportIn(file)).pid, 'SIGKILL');
  await becomes(killed!.InstanceId!, 'terminated');
});

test('stopped and started again it keeps its id and boots again', async () => {
  const [launched] = await run(undefined);
  const id = launched!.InstanceId!;
  await becomes(id, 'running');
  await ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
  await becomes(id, 'stopped');
  await ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));
  await becomes(id, 'running');
  await terminate(id);
  await becomes(id, 'terminated');
  const start = ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));
  assert.equal(await errorName(start), 'IncorrectInstanceState');
});

test('a launch that the machine refuses ends as a terminated instance with the reason', async () => {
  const other = temporaryFolder();
  const failing = await startTestCloud(other.path, {
    launcher: () => () => Promise.reject(new Error('no memory')),
  });
  const { Instances } = await failing.clients.ec2.send(
    new RunInstancesCommand({ ImageId: LOCAL_IMAGE_ID, MinCount: 1, MaxCount: 1 }),
  );
  const ended = await until('the instance to be terminated', async () => {
    const { Reservations } = await failing.clients.ec2.send(
      new DescribeInstancesCommand({ InstanceIds: [Instances![0]!.InstanceId!] }),
    );
    const instance = Reservations?.[0]?.Instances?.[0];
    return instance?.State?.Name === 'terminated' && instance;
  });
  assert.match(ended.StateReason?.Message ?? '', /no memory/);
  await failing.stop();
  other.remove();
});

test('an instance terminated while it boots never starts', async () => {
  const other = temporaryFolder();
  let launches = 0;
  const slow = await startTestCloud(other.path, {
    imitation: { LOCAL_EC2_BOOT_SECONDS: '60' },
    launcher: () => () => {
      launches += 1;
      return Promise.reject(new Error('not to be called'));
    },
  });
  const { Instances } = await slow.clients.ec2.send(
    new RunInstancesCommand({ ImageId: LOCAL_IMAGE_ID, MinCount: 1, MaxCount: 1 }),
  );
  const InstanceIds = [Instances![0]!.InstanceId!];
  await slow.clients.ec2.send(new TerminateInstancesCommand({ InstanceIds }));
  await until('the instance to be terminated', async () => {
    const { Reservations } = await slow.clients.ec2.send(
      new DescribeInstancesCommand({ InstanceIds }),
    );
    return Reservations?.[0]?.Instances?.[0]?.State?.Name === 'terminated';
  });
  assert.equal(launches, 0);
  await slow.stop();
  other.remove();
});
