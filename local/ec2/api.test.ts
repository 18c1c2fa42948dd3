import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import {
  CreateTagsCommand,
  DeleteTagsCommand,
  DescribeInstanceStatusCommand,
  DescribeInstancesCommand,
  DescribeTagsCommand,
  type Filter,
  paginateDescribeInstances,
} from '@aws-sdk/client-ec2';
import { until } from '../../test/condition.fixture.ts';
import { errorName, startTestCloud, temporaryFolder } from '../cloud.fixture.ts';
import { callsOf, named } from './calls.fixture.ts';
import { LOCAL_IMAGE_ID } from './lists/offers.ts';

const folder = temporaryFolder();
const { cloud, clients, stop } = await startTestCloud(folder.path, {
  instanceLimit: 12,
  graceMs: 300,
});
const { ec2 } = clients;
const { run, describe, stateOf, becomes, terminate } = callsOf(ec2);
after(async () => {
  await stop();
  folder.remove();
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

test('status lists running instances, and others on request', async () => {
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
