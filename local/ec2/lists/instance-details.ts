/** What EC2 answers about one instance besides its description: single attributes, console, credits. */
import { Ec2Error, invalidValue } from '../errors.ts';
import type { InstanceFleet } from '../fleet/fleet.ts';
import type { Instance } from '../fleet/instance.ts';
import type { Ec2Request } from '../requests.ts';
import { items, type XmlObject } from '../xml.ts';
import { GROUP_ID } from './describe.ts';
import { FILTER_NAMES } from './filter-names.ts';
import { select } from './filters.ts';

const ATTRIBUTES: Readonly<Record<string, (instance: Instance) => XmlObject>> = {
  blockDeviceMapping: () => ({ blockDeviceMapping: '' }),
  disableApiStop: () => ({ disableApiStop: { value: false } }),
  disableApiTermination: () => ({ disableApiTermination: { value: false } }),
  ebsOptimized: () => ({ ebsOptimized: { value: false } }),
  enaSupport: () => ({ enaSupport: { value: true } }),
  enclaveOptions: () => ({ enclaveOptions: { enabled: false } }),
  groupSet: ({ securityGroupIds }) => ({
    groupSet: items(
      (securityGroupIds.length === 0 ? [GROUP_ID] : securityGroupIds).map((groupId) => ({
        groupId,
      })),
    ),
  }),
  instanceInitiatedShutdownBehavior: () => ({
    instanceInitiatedShutdownBehavior: { value: 'stop' },
  }),
  instanceType: ({ instanceType }) => ({ instanceType: { value: instanceType } }),
  kernel: () => ({ kernel: '' }),
  productCodes: () => ({ productCodes: '' }),
  ramdisk: () => ({ ramdisk: '' }),
  rootDeviceName: () => ({ rootDeviceName: { value: '/dev/xvda' } }),
  sourceDestCheck: () => ({ sourceDestCheck: { value: true } }),
  sriovNetSupport: () => ({ sriovNetSupport: '' }),
  userData: ({ userData }) => ({ userData: userData === undefined ? '' : { value: userData } }),
};

export function attributeOf(
  fleet: InstanceFleet,
  { InstanceId, Attribute }: Ec2Request<'DescribeInstanceAttribute'>,
): XmlObject {
  const describe = Object.hasOwn(ATTRIBUTES, Attribute) ? ATTRIBUTES[Attribute] : undefined;
  if (describe === undefined) {
    throw invalidValue(
      `Value (${Attribute.slice(0, 100)}) for parameter attribute is invalid. Unknown attribute.`,
    );
  }
  const [instance] = fleet.find([InstanceId]);
  return { instanceId: InstanceId, ...describe(instance!) };
}

/** A process has no console: its log is in the data folder. */
export function consoleOf(
  fleet: InstanceFleet,
  { InstanceId }: Ec2Request<'GetConsoleOutput'>,
): XmlObject {
  const [instance] = fleet.find([InstanceId]);
  return { instanceId: InstanceId, timestamp: instance!.launchTime.toISOString(), output: '' };
}

export function creditsOf(
  fleet: InstanceFleet,
  { InstanceId, Filter }: Ec2Request<'DescribeInstanceCreditSpecifications'>,
): XmlObject {
  const instances = InstanceId.length === 0 ? fleet.list() : fleet.find(InstanceId);
  const all = instances
    .filter(({ instanceType }) => /^t\d/.test(instanceType))
    .map(({ id, instanceType }) => ({
      instanceId: id,
      cpuCredits: instanceType.startsWith('t2.') ? 'standard' : 'unlimited',
    }));
  const kind = { names: FILTER_NAMES.InstanceCreditSpecifications };
  return {
    instanceCreditSpecificationSet: items(select(all, Filter, kind, (one) => one)),
  };
}

/** A process cannot be restarted under the same instance while it runs. */
export function refuseReboot(
  fleet: InstanceFleet,
  { InstanceId }: Ec2Request<'RebootInstances'>,
): never {
  fleet.find(InstanceId);
  throw new Ec2Error(
    'UnsupportedOperation',
    'RebootInstances is not supported by the local cloud: stop the instance and start it again.',
  );
}
