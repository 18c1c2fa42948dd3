/**
 * Instance types as EC2 describes them, by the rule of their names: family, generation, processor and
 * size (https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html).
 */
import { Ec2Error } from '../errors.ts';
import type { Ec2Request } from '../requests.ts';
import { items, type XmlObject } from '../xml.ts';
import { FILTER_NAMES } from './filter-names.ts';
import { type Filterable, pageOf, select } from './filters.ts';

/** GiB of memory a vCPU. */
const MEMORY: Readonly<Record<string, number>> = { c: 2, m: 4, r: 8 };
/** Sizes of burstable types do not follow their processors: vCPUs and GiB. */
const BURSTABLE: Readonly<Record<string, readonly [cpus: number, gib: number]>> = {
  nano: [2, 0.5],
  micro: [2, 1],
  small: [2, 2],
  medium: [2, 4],
  large: [2, 8],
  xlarge: [4, 16],
  '2xlarge': [8, 32],
};
const FAMILIES = ['c6i', 'c7g', 'c7i', 'm6i', 'm7g', 'm7i', 'r6i', 'r7g', 'r7i'];
const SIZES = ['medium', 'large', 'xlarge', '2xlarge', '4xlarge', '8xlarge'];
const ALL = [
  ...['t3', 't4g'].flatMap((family) => Object.keys(BURSTABLE).map((size) => `${family}.${size}`)),
  ...FAMILIES.flatMap((family) => SIZES.map((size) => `${family}.${size}`)),
].filter((type) => described(type) !== undefined);

const KIND: Filterable = {
  names: FILTER_NAMES.InstanceTypes,
  renamed: {
    'processor-info.supported-architecture': 'processorInfo.supportedArchitectures',
    'processor-info.sustained-clock-speed-in-ghz': 'processorInfo.sustainedClockSpeedInGhz',
    'supported-boot-mode': 'supportedBootModes',
    'supported-root-device-type': 'supportedRootDeviceTypes',
    'supported-usage-class': 'supportedUsageClasses',
    'supported-virtualization-type': 'supportedVirtualizationTypes',
    'vcpu-info.default-vcpus': 'vCpuInfo.defaultVCpus',
    'vcpu-info.default-cores': 'vCpuInfo.defaultCores',
    'vcpu-info.default-threads-per-core': 'vCpuInfo.defaultThreadsPerCore',
    'memory-info.size-in-mib': 'memoryInfo.sizeInMiB',
  },
};

/** @throws {Ec2Error} InvalidInstanceType for a type that its name does not describe */
export function instanceTypesOf(request: Ec2Request<'DescribeInstanceTypes'>): XmlObject {
  const asked = request.InstanceType;
  const unknown = asked.filter((type) => described(type) === undefined);
  if (unknown.length > 0) {
    throw new Ec2Error(
      'InvalidInstanceType',
      `The following supplied instance types do not exist: [${unknown.join(', ').slice(0, 200)}]`,
    );
  }
  const all = (asked.length === 0 ? ALL : [...new Set(asked)]).map((type) => described(type)!);
  const found = select(all, request.Filter, KIND, (one) => one);
  const { things, nextToken } = pageOf(found, (one) => found.indexOf(one), request);
  return {
    instanceTypeSet: items(things),
    ...(nextToken === undefined ? {} : { nextToken }),
  };
}

function described(instanceType: string): XmlObject | undefined {
  const [, family = '', options = '', size = ''] =
    /^([a-z])\d([a-z]*)\.(nano|micro|small|medium|large|\d*xlarge)$/.exec(instanceType) ?? [];
  const isArm = options.startsWith('g');
  const power = family === 't' ? BURSTABLE[size] : fixedSize(MEMORY[family], size, isArm);
  if (power === undefined) return undefined;
  const [cpus, gib] = power;
  const threads = isArm || cpus === 1 ? 1 : 2;
  const isXen = /^(?:t2|[cmr][34])\./.test(instanceType);
  return {
    instanceType,
    currentGeneration: !isXen,
    freeTierEligible: /^t[23]\.micro$/.test(instanceType),
    supportedUsageClasses: items(['on-demand', 'spot']),
    supportedRootDeviceTypes: items(['ebs']),
    supportedVirtualizationTypes: items(['hvm']),
    bareMetal: false,
    hypervisor: isXen ? 'xen' : 'nitro',
    processorInfo: { supportedArchitectures: items([isArm ? 'arm64' : 'x86_64']) },
    vCpuInfo: {
      defaultVCpus: cpus,
      defaultCores: cpus / threads,
      defaultThreadsPerCore: threads,
    },
    memoryInfo: { sizeInMiB: gib * 1024 },
    instanceStorageSupported: options.includes('d'),
    ebsInfo: {
      ebsOptimizedSupport: 'default',
      encryptionSupport: 'supported',
      nvmeSupport: isXen ? 'unsupported' : 'required',
    },
    networkInfo: { enaSupport: isXen ? 'supported' : 'required', ipv6Supported: true },
    hibernationSupported: !isArm,
    burstablePerformanceSupported: family === 't',
    dedicatedHostsSupported: family !== 't',
    autoRecoverySupported: true,
  };
}

/** A large one has 2 vCPUs, each step doubles them; only Arm's have a medium with one. */
function fixedSize(
  memory: number | undefined,
  size: string,
  isArm: boolean,
): readonly [number, number] | undefined {
  const cpus =
    size === 'medium' && isArm
      ? 1
      : size === 'large'
        ? 2
        : size.endsWith('xlarge')
          ? 4 * Number(size.slice(0, -'xlarge'.length) || 1)
          : undefined;
  return memory === undefined || cpus === undefined ? undefined : [cpus, cpus * memory];
}
