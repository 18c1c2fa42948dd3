import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after } from 'node:test';
import {
  CreateTagsCommand,
  DeleteTagsCommand,
  DescribeInstanceStatusCommand,
  DescribeInstancesCommand,
  DescribeTagsCommand,
  type Filter,
  type Instance,
  paginateDescribeInstances,
  RunInstancesCommand,
  type RunInstancesCommandInput,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { until } from '../../test/condition.fixture.ts';
import { errorName, isAlive, startTestCloud, temporaryFolder } from '../cloud.fixture.ts';
import { LOCAL_IMAGE_ID } from '../cloud.ts';

const folder = temporaryFolder();
const { cloud, clients, stop } = await startTestCloud(folder.path, {
  instanceLimit: 12,
  graceMs: 300,
});
const { ec2 } = clients;
after(async () => {
  await stop();
  folder.remove();
});

async function run(
  userData: string | undefined,
  more: Partial<RunInstancesCommandInput> = {},
): Promise<Instance[]> {
  const { Instances = [] } = await ec2.send(
    new RunInstancesCommand({
      ImageId: LOCAL_IMAGE_ID,
      InstanceType: 'c7i.large',
      MinCount: 1,
      MaxCount: 1,
      ...(userData === undefined ? {} : { UserData: Buffer.from(userData).toString('base64') }),
      ...more,
    }),
  );
  return Instances;
}

async function describe(filters: Filter[]): Promise<Instance[]> {
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters: filters }));
  return Reservations.flatMap(({ Instances = [] }) => Instances);
}

const stateOf = async (id: string): Promise<string | undefined> =>
  (await describe([{ Name: 'instance-id', Values: [id] }]))[0]?.State?.Name;

const becomes = (id: string, state: string): Promise<boolean> =>
  until(`${id} to be ${state}`, async () => (await stateOf(id)) === state);

const named = (name: string) => ({
  TagSpecifications: [
    { ResourceType: 'instance' as const, Tags: [{ Key: 'Name', Value: name }] },
    { ResourceType: 'volume' as const, Tags: [{ Key: 'Name', Value: name }] },
  ],
});

const terminate = (...ids: string[]) =>
  ec2.send(new TerminateInstancesCommand({ InstanceIds: ids }));

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

test('stopped and started again it keeps its id and runs anew', async () => {
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

test('one token launches once, also at once; with other parameters it is refused', async () => {
  const same = { ClientToken: 'token-1', ...named('app-tier-instance-7') };
  const launches = await Promise.all([run('A=1\n', same), run('A=1\n', same)]);
  const ids = new Set(launches.flat().map(({ InstanceId }) => InstanceId));
  assert.equal(ids.size, 1);
  assert.equal(await errorName(run('A=2\n', same)), 'IdempotentParameterMismatch');
  await terminate(...(ids as Set<string>));
});

test('the limit counts what is alive: less than the least wanted is refused, less than the most is given', async () => {
  await until('earlier instances to be gone', async () => {
    const alive = await describe([
      { Name: 'instance-state-name', Values: ['pending', 'running', 'shutting-down'] },
    ]);
    return alive.length === 0;
  });
  assert.equal(
    await errorName(run(undefined, { MinCount: 13, MaxCount: 13 })),
    'InstanceLimitExceeded',
  );
  const launched = await run(undefined, { MinCount: 1, MaxCount: 40 });
  assert.equal(launched.length, 12);
  assert.equal(await errorName(run(undefined)), 'InstanceLimitExceeded');

  const ids = launched.map(({ InstanceId }) => InstanceId!);
  const seen: string[] = [];
  const pages = paginateDescribeInstances(
    { client: ec2, pageSize: 5 },
    { Filters: [{ Name: 'reservation-id', Values: ['r-*'] }] },
  );
  let count = 0;
  for await (const { Reservations = [] } of pages) {
    count += 1;
    seen.push(...Reservations.flatMap(({ Instances = [] }) => Instances.map((i) => i.InstanceId!)));
  }
  assert.ok(count > 2);
  assert.equal(new Set(seen).size, seen.length);
  assert.ok(ids.every((id) => seen.includes(id)));
  await terminate(...ids);
  for (const id of ids) await becomes(id, 'terminated');
});

test('filters find by tags, names and states, with wildcards', async () => {
  cloud.addExternalInstance('web-instance', { role: 'web' });
  const [one] = await run(undefined, named('app-tier-instance-21'));
  const [two] = await run(undefined, named('app-tier-instance-22'));
  const names = async (filters: Filter[]) =>
    (await describe([...filters, { Name: 'instance-state-name', Values: ['pending', 'running'] }]))
      .map(({ Tags }) => Tags?.find(({ Key }) => Key === 'Name')?.Value)
      .sort();
  const both = ['app-tier-instance-21', 'app-tier-instance-22'];
  assert.deepEqual(await names([{ Name: 'tag:Name', Values: ['app-tier-instance*'] }]), both);
  assert.deepEqual(await names([{ Name: 'tag:Name', Values: ['app-tier-instance-2?'] }]), both);
  assert.deepEqual(await names([{ Name: 'tag:Name', Values: ['*-21', '*-22'] }]), both);
  assert.deepEqual(await names([{ Name: 'tag:Name', Values: ['app-tier-instance'] }]), []);
  assert.deepEqual(await names([{ Name: 'tag-key', Values: ['role'] }]), ['web-instance']);
  assert.deepEqual(await names([{ Name: 'image-id', Values: [LOCAL_IMAGE_ID] }]), [
    ...both,
    'web-instance',
  ]);
  assert.equal(
    await errorName(names([{ Name: 'shoe-size', Values: ['1'] }])),
    'InvalidParameterValue',
  );
  await terminate(one!.InstanceId!, two!.InstanceId!);
});

test('what runs outside is listed as running and cannot be ended from here', async () => {
  const id = cloud.addExternalInstance('web-instance');
  assert.equal(await stateOf(id), 'running');
  assert.equal(await errorName(terminate(id)), 'OperationNotPermitted');
  assert.equal(await stateOf(id), 'running');
});

test('tags are made, changed, listed and taken away', async () => {
  const id = cloud.addExternalInstance('tagged');
  const Resources = [id];
  const Tags = [
    { Key: 'a', Value: '<&>"' },
    { Key: 'Name', Value: 'renamed' },
  ];
  await ec2.send(new CreateTagsCommand({ Resources, Tags }));
  const tags = async () =>
    (
      await ec2.send(
        new DescribeTagsCommand({ Filters: [{ Name: 'resource-id', Values: Resources }] }),
      )
    ).Tags?.map(({ Key, Value }) => `${Key}=${Value}`).sort();
  assert.deepEqual(await tags(), ['Name=renamed', 'a=<&>"']);
  await ec2.send(
    new DeleteTagsCommand({
      Resources,
      Tags: [{ Key: 'a' }, { Key: 'Name', Value: 'another value' }],
    }),
  );
  assert.deepEqual(await tags(), ['Name=renamed']);
});

test('status tells of running instances, of others when asked', async () => {
  const [launched] = await run(undefined);
  const id = launched!.InstanceId!;
  await becomes(id, 'running');
  const status = async (IncludeAllInstances: boolean) =>
    (
      await ec2.send(new DescribeInstanceStatusCommand({ InstanceIds: [id], IncludeAllInstances }))
    ).InstanceStatuses?.map(({ InstanceStatus }) => InstanceStatus?.Status);
  assert.deepEqual(await status(false), ['ok']);
  await terminate(id);
  await becomes(id, 'terminated');
  assert.deepEqual(await status(false), []);
  assert.deepEqual(await status(true), ['not-applicable']);
});

test('errors carry the codes that clients know', async () => {
  const find = (id: string) => ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  assert.equal(await errorName(find('i-0123456789abcdef0')), 'InvalidInstanceID.NotFound');
  assert.equal(await errorName(find('web-instance')), 'InvalidInstanceID.Malformed');
  assert.equal(await errorName(run(undefined, { ImageId: 'ubuntu' })), 'InvalidAMIID.Malformed');
  assert.equal(await errorName(run(undefined, { ImageId: undefined })), 'MissingParameter');
  assert.equal(
    await errorName(run(undefined, { MinCount: 2, MaxCount: 1 })),
    'InvalidParameterValue',
  );
  assert.equal(await errorName(run(undefined, { UserData: '???' })), 'InvalidParameterValue');
  assert.equal(await errorName(run(undefined, { DryRun: true })), 'DryRunOperation');
  const unknown = await fetch(cloud.url, {
    method: 'POST',
    body: new URLSearchParams({ Action: 'LaunchRocket', Version: '2016-11-15' }),
  });
  assert.equal(unknown.status, 400);
  assert.match(await unknown.text(), /<Code>InvalidAction<\/Code>/);
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
    bootDelayMs: 60_000,
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
