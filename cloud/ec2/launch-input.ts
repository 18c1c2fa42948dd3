/** The input of RunInstances: the project's image, tags and settings, and a place to launch in. Pure. */
import { instanceName, NUMBERS_TAG, PROJECT_TAG, writeNumbers } from '../contract/names.ts';

/** Of what kind and where: EC2 may have room in one place and none in another. */
export interface Place {
  readonly instanceType: string;
  /** undefined means the default one of the account. */
  readonly subnetId: string | undefined;
  readonly spot: boolean;
}

export interface LaunchCall {
  /** Ascending. */
  readonly numbers: readonly number[];
  /** At most 64 characters. */
  readonly token: string;
  readonly place: Place;
}

export interface LaunchOptions {
  readonly projectId: string;
  /** Undefined only where a launch template names the image. */
  readonly imageId?: string;
  /** Its values hold for what is not asked for here, e.g. image, role and security groups. */
  readonly launchTemplateId?: string;
  readonly instanceProfile?: string;
  readonly securityGroupId?: string;
  /** Dollars an hour; without it, the on-demand price. */
  readonly spotMaxPrice?: string;
  /** Settings the instance starts with. No secrets: anyone on the instance may read them. */
  readonly userData: Readonly<Record<string, string>>;
}

export function runInput({ numbers, token, place }: LaunchCall, options: LaunchOptions) {
  const userData = Object.entries(options.userData)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
  const [first, ...others] = numbers;
  const identity =
    first !== undefined && others.length === 0
      ? { Key: 'Name', Value: instanceName(first) }
      : { Key: NUMBERS_TAG, Value: writeNumbers(numbers) };
  const tags = [identity, { Key: PROJECT_TAG, Value: options.projectId }];
  return {
    ...(options.imageId === undefined ? {} : { ImageId: options.imageId }),
    // The latest: a stack's update makes a new version and leaves the default one at the first, whose
    // image would be launched for ever.
    ...(options.launchTemplateId === undefined
      ? {}
      : { LaunchTemplate: { LaunchTemplateId: options.launchTemplateId, Version: '$Latest' } }),
    InstanceType: place.instanceType as never,
    // As many as there is room for; the others are asked for elsewhere.
    MinCount: 1,
    MaxCount: numbers.length,
    ClientToken: token,
    UserData: Buffer.from(userData).toString('base64'),
    InstanceInitiatedShutdownBehavior: 'terminate' as const,
    MetadataOptions: {
      HttpTokens: 'required' as const,
      HttpPutResponseHopLimit: 1,
      InstanceMetadataTags: 'enabled' as const,
    },
    TagSpecifications: [
      { ResourceType: 'instance' as const, Tags: tags },
      { ResourceType: 'volume' as const, Tags: tags },
    ],
    ...(place.spot ? { InstanceMarketOptions: spotMarket(options.spotMaxPrice) } : {}),
    ...(options.instanceProfile === undefined
      ? {}
      : { IamInstanceProfile: { Name: options.instanceProfile } }),
    ...(options.securityGroupId === undefined
      ? {}
      : { SecurityGroupIds: [options.securityGroupId] }),
    ...(place.subnetId === undefined ? {} : { SubnetId: place.subnetId }),
  };
}

function spotMarket(maxPrice: string | undefined) {
  return {
    MarketType: 'spot' as const,
    SpotOptions: {
      SpotInstanceType: 'one-time' as const,
      InstanceInterruptionBehavior: 'terminate' as const,
      ...(maxPrice === undefined ? {} : { MaxPrice: maxPrice }),
    },
  };
}
