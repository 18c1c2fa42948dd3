/**
 * The services' settings as one parameter of Parameter Store. They read it at start and look for changes, so
 * that an update of the stack takes effect while they run: no instance is replaced or started again for it.
 */
import { Aws } from 'aws-cdk-lib';
import { CfnParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { settingsParameter } from '../../cloud/contract/names.ts';
import type { Cache } from './cache.ts';
import { KEEP_ALIVE_BEHIND_BALANCER_SECONDS } from './front.ts';
import type { Keys } from './keys.ts';
import type { StackOptions } from './options.ts';

export interface SettingsParts {
  readonly options: StackOptions;
  readonly bucketSuffix: string | undefined;
  readonly keys: Keys;
  readonly cache: Cache | undefined;
  readonly workerImage: string;
  readonly launchTemplate: string;
  readonly subnets: readonly string[];
}

export class StackSettings extends Construct {
  readonly parameter: CfnParameter;

  constructor(scope: Construct, parts: SettingsParts) {
    super(scope, 'Settings');
    this.parameter = new CfnParameter(this, 'Parameter', {
      name: settingsParameter(parts.options.id),
      type: 'String',
      // The advanced tier, at 0.05 dollars a month, only for more than 4 KB: about forty keys.
      tier: 'Intelligent-Tiering',
      description: 'Settings of the services: NAME=value lines. The stack writes them.',
      value: Object.entries(settingsOf(parts))
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    });
  }
}

function settingsOf(parts: SettingsParts): Record<string, string | number> {
  const { options, bucketSuffix, keys, cache, workerImage, launchTemplate, subnets } = parts;
  return {
    ACCOUNT_ID: Aws.ACCOUNT_ID,
    ...(bucketSuffix === undefined ? {} : { BUCKET_SUFFIX: bucketSuffix }),
    SCALE_POLICY: options.policy,
    MAX_INSTANCES: options.maxInstances,
    INSTANCE_TYPE: options.workerType,
    LAUNCH_TEMPLATE_ID: launchTemplate,
    // The scaler replaces workers of another image.
    AMI_ID: workerImage,
    SUBNET_ID: subnets.join(','),
    ...(options.certificateArn === undefined
      ? {}
      : { KEEP_ALIVE_SECONDS: KEEP_ALIVE_BEHIND_BALANCER_SECONDS }),
    ...(cache === undefined ? {} : { REDIS_URL: cache.url }),
    ...keys.settings,
    ...options.settings,
  };
}
