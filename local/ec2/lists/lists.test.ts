import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import {
  DescribeAvailabilityZonesCommand,
  DescribeImagesCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstanceStatusCommand,
  DescribeInstancesCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeInstanceTypesCommand,
  DescribeKeyPairsCommand,
  DescribeRegionsCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeTagsCommand,
  DescribeVolumesCommand,
  DescribeVpcsCommand,
  GetConsoleOutputCommand,
  RebootInstancesCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import { until } from '../../../test/condition.fixture.ts';
import { errorName, startTestCloud, temporaryFolder } from '../../cloud.fixture.ts';
import { FILTER_NAMES } from './filter-names.ts';
import { LOCAL_IMAGE_ID } from './offers.ts';

describe('lists of EC2', { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  const { cloud, clients, stop } = await startTestCloud(folder.path);
  const { ec2 } = clients;
  after(async () => {
    await stop();
    folder.remove();
  });
  const { Instances = [] } = await ec2.send(
    new RunInstancesCommand({
      ImageId: LOCAL_IMAGE_ID,
      InstanceType: 't3.small',
      MinCount: 1,
      MaxCount: 1,
      UserData: Buffer.from('A=1').toString('base64'),
      TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'Name', Value: 'one' }] }],
    }),
  );
  const id = Instances[0]?.InstanceId ?? '';
  const filtered = (Name: string, ...Values: string[]) => ({ Filters: [{ Name, Values }] });
  const found = async (name: string, ...values: string[]) => {
    const { Reservations = [] } = await ec2.send(
      new DescribeInstancesCommand(filtered(name, ...values)),
    );
    return Reservations.length;
  };
  await until('it to run', async () => (await found('instance-state-name', 'running')) === 1);

  it('every filter that EC2 has is taken, and one that nothing matches gives an empty list', async () => {
    for (const name of FILTER_NAMES.Instances) {
      const asked = name === 'tag:' ? 'tag:x' : name;
      assert.equal(await found(asked, 'no such value'), 0, name);
    }
    for (const name of FILTER_NAMES.InstanceStatus) {
      const { InstanceStatuses } = await ec2.send(
        new DescribeInstanceStatusCommand(filtered(name, 'no such value')),
      );
      assert.deepEqual(InstanceStatuses, [], name);
    }
  });

  it('a filter finds what the answer shows, with wildcards', async () => {
    for (const [name, value] of [
      ['vpc-id', 'vpc-*'],
      ['subnet-id', 'subnet-*'],
      ['architecture', 'x86_64'],
      ['tag-value', 'o?e'],
      ['tag-key', 'Name'],
      ['tag:Name', 'on*'],
      ['owner-id', '000000000000'],
      ['private-dns-name', 'ip-*.ec2.internal'],
      ['image-id', LOCAL_IMAGE_ID],
      ['instance-state-code', '16'],
      ['availability-zone', 'us-east-1a'],
      ['instance.group-name', 'default'],
      ['root-device-type', 'ebs'],
      ['metadata-options.http-tokens', 'required'],
      ['monitoring-state', 'disabled'],
      ['tenancy', 'default'],
      ['launch-index', '0'],
      ['launch-time', '20*'],
      ['reservation-id', 'r-*'],
    ] as const) {
      assert.equal(await found(name, value), 1, name);
    }
    assert.equal(await found('tag:Name', 'one', 'x'), 1);
    const ok = filtered('instance-status.status', 'ok');
    const { InstanceStatuses } = await ec2.send(new DescribeInstanceStatusCommand(ok));
    assert.equal(InstanceStatuses?.length, 1);
  });

  it('a filter that EC2 does not have is refused', async () => {
    const wrong = filtered('nonsense', 'x');
    for (const command of [
      new DescribeInstancesCommand(wrong),
      new DescribeInstanceStatusCommand(wrong),
      new DescribeImagesCommand(wrong),
      new DescribeTagsCommand(wrong),
      new DescribeVolumesCommand(wrong),
      new DescribeInstanceTypesCommand(wrong),
    ]) {
      assert.equal(await errorName(ec2.send(command as never)), 'InvalidParameterValue');
    }
  });

  it('the places around an instance are those that it names', async () => {
    const { Vpcs } = await ec2.send(new DescribeVpcsCommand(filtered('is-default', 'true')));
    const VpcId = Vpcs?.[0]?.VpcId ?? '';
    assert.equal(await found('vpc-id', VpcId), 1);
    const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand(filtered('vpc-id', VpcId)));
    assert.equal(Subnets.length, 3);
    const own = Subnets.find((one) => one.AvailabilityZone === 'us-east-1a')?.SubnetId ?? '';
    assert.equal(await found('subnet-id', own), 1);
    const { SecurityGroups } = await ec2.send(
      new DescribeSecurityGroupsCommand(filtered('group-name', 'default')),
    );
    assert.equal(await found('instance.group-id', SecurityGroups?.[0]?.GroupId ?? ''), 1);
    const zones = await ec2.send(new DescribeAvailabilityZonesCommand({}));
    assert.deepEqual(
      zones.AvailabilityZones?.map(({ ZoneName, ZoneId }) => [ZoneName, ZoneId]),
      [
        ['us-east-1a', 'use1-az1'],
        ['us-east-1b', 'use1-az2'],
        ['us-east-1c', 'use1-az3'],
      ],
    );
    const { Regions } = await ec2.send(new DescribeRegionsCommand({ RegionNames: ['eu-west-1'] }));
    assert.equal(Regions?.[0]?.Endpoint, 'ec2.eu-west-1.amazonaws.com');
  });

  it('instance types have the vCPUs and the memory of their names', async () => {
    const { InstanceTypes = [] } = await ec2.send(
      new DescribeInstanceTypesCommand({
        InstanceTypes: ['c7i.large', 't3.small', 'c7g.medium', 'r6i.4xlarge'],
      }),
    );
    assert.deepEqual(
      InstanceTypes.map(({ InstanceType, VCpuInfo, MemoryInfo, ProcessorInfo }) => [
        InstanceType,
        VCpuInfo?.DefaultVCpus,
        MemoryInfo?.SizeInMiB,
        ProcessorInfo?.SupportedArchitectures?.[0],
      ]),
      [
        ['c7i.large', 2, 4096, 'x86_64'],
        ['t3.small', 2, 2048, 'x86_64'],
        ['c7g.medium', 1, 2048, 'arm64'],
        ['r6i.4xlarge', 16, 131_072, 'x86_64'],
      ],
    );
    const arm = filtered('processor-info.supported-architecture', 'arm64');
    const all = await ec2.send(new DescribeInstanceTypesCommand(arm));
    assert.ok(all.InstanceTypes?.every((one) => /^\w\dg\./.test(one.InstanceType ?? '')));
    const none = ec2.send(
      new DescribeInstanceTypesCommand({ InstanceTypes: ['x.y' as 't3.nano'] }),
    );
    assert.equal(await errorName(none), 'InvalidInstanceType');
    const { InstanceTypeOfferings } = await ec2.send(
      new DescribeInstanceTypeOfferingsCommand({
        LocationType: 'availability-zone',
        ...filtered('instance-type', 'c7i.large'),
      }),
    );
    assert.equal(InstanceTypeOfferings?.length, 3);
  });

  it('single attributes and an empty console are read', async () => {
    const attribute = (Attribute: 'userData' | 'instanceType') =>
      ec2.send(new DescribeInstanceAttributeCommand({ InstanceId: id, Attribute }));
    const { UserData } = await attribute('userData');
    assert.equal(Buffer.from(UserData?.Value ?? '', 'base64').toString(), 'A=1');
    assert.equal((await attribute('instanceType')).InstanceType?.Value, 't3.small');
    assert.equal(await errorName(attribute('nonsense' as 'userData')), 'InvalidParameterValue');
    const { InstanceId } = await ec2.send(new GetConsoleOutputCommand({ InstanceId: id }));
    assert.equal(InstanceId, id);
  });

  it('what is not here has empty lists or an error that names it, at once', async () => {
    assert.deepEqual((await ec2.send(new DescribeVolumesCommand({}))).Volumes, []);
    const volume = ec2.send(new DescribeVolumesCommand({ VolumeIds: ['vol-1'] }));
    assert.equal(await errorName(volume), 'InvalidVolume.NotFound');
    const key = ec2.send(new DescribeKeyPairsCommand({ KeyNames: ['mine'] }));
    assert.equal(await errorName(key), 'InvalidKeyPair.NotFound');
    const reboot = ec2.send(new RebootInstancesCommand({ InstanceIds: [id] }));
    assert.equal(await errorName(reboot), 'UnsupportedOperation');
    const dry = ec2.send(new DescribeVpcsCommand({ DryRun: true }));
    assert.equal(await errorName(dry), 'DryRunOperation');
    const template = ec2.send(
      new RunInstancesCommand({
        LaunchTemplate: { LaunchTemplateName: 'mine' },
        MinCount: 1,
        MaxCount: 1,
      }),
    );
    assert.equal(await errorName(template), 'UnsupportedOperation');
    const unknown = await fetch(`${cloud.url}/?Action=CreateVpc&Version=2016-11-15`);
    assert.equal(unknown.status, 400);
    assert.match(await unknown.text(), /<Code>InvalidAction<\/Code>/);
  });
});
