/** What runs: the launch template of workers, from which the scaler launches, and the web instances. */
import { createHash } from 'node:crypto';
import { CfnOutput, CfnParameter, Fn, Stack, Tags } from 'aws-cdk-lib';
import { CfnEIP, CfnEIPAssociation, CfnInstance, CfnLaunchTemplate } from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { PROJECT_TAG, settingsParameter, WEB_INSTANCE_NAME } from '../../cloud/contract/names.ts';
import type { Cache } from './cache.ts';
import type { Keys } from './keys.ts';
import type { Network } from './network.ts';
import type { StackOptions } from './options.ts';
import type { Roles } from './roles.ts';
import { secretParameterName } from './secret-names.ts';
import { StackSettings } from './settings.ts';
import type { Storage } from './storage.ts';

/** Above the time after which an instance itself says that it does not answer. */
const READY_LIMIT = 'PT15M';
const APP = '/opt/elastic-face';

/** IMDSv2 only, and not past the instance itself. */
const metadata = { httpTokens: 'required', httpPutResponseHopLimit: 1, httpEndpoint: 'enabled' };

export interface InstancesParts {
  readonly options: StackOptions;
  readonly storage: Storage;
  readonly network: Network;
  readonly roles: Roles;
  readonly keys: Keys;
  readonly cache: Cache | undefined;
}

export class Instances extends Construct {
  readonly template: CfnLaunchTemplate;
  /** One or several, in different zones. */
  readonly web: readonly CfnInstance[];

  constructor(scope: Construct, parts: InstancesParts) {
    super(scope, 'Instances');
    const { options, storage, network, roles, keys, cache } = parts;
    const image = (name: string, description: string): string =>
      new CfnParameter(Stack.of(this), name, { type: 'AWS::EC2::Image::Id', description })
        .valueAsString;
    const workerImage = image('WorkerImage', 'AMI made by deploy/bake/bake.sh --role worker');
    const webImage = image('WebImage', 'AMI made by deploy/bake/bake.sh --role web');

    this.template = new CfnLaunchTemplate(this, 'Worker', {
      launchTemplateData: {
        imageId: workerImage,
        // The scaler names the types that the settings have.
        instanceType: options.workerType.split(',')[0] ?? options.workerType,
        iamInstanceProfile: { arn: roles.workerProfile.attrArn },
        instanceInitiatedShutdownBehavior: 'terminate',
        metadataOptions: { ...metadata, instanceMetadataTags: 'enabled' },
        // No disk: the image names its root device, and says how large it is and that it is encrypted.
        // No network interface: the scaler names the subnet, and EC2 refuses both together.
        securityGroupIds: [network.workers.securityGroupId],
      },
    });
    roles.allowScaling(options.id, this.template);
    roles.allowSettings(options.id, cache?.secret);
    roles.allowSignal();

    const subnets = network.vpc.publicSubnets.map(({ subnetId }) => subnetId);
    const { parameter } = new StackSettings(this, {
      ...{ options, keys, cache, workerImage, subnets },
      bucketSuffix: storage.bucketSuffix,
      launchTemplate: this.template.ref,
    });
    const userData = webUserData(options, cache);
    // User data is run at the first boot only: where it changes, e.g. with the place of Redis, the instance
    // has to be a new one.
    const version = createHash('sha256').update(userData).digest('hex').slice(0, 8);
    let former: CfnInstance | undefined;
    this.web = Array.from({ length: options.webNodes }, (_, index) => {
      const web = new CfnInstance(this, `Web${index === 0 ? '' : index + 1}-${version}`, {
        imageId: webImage,
        instanceType: options.webType,
        iamInstanceProfile: roles.webProfile.ref,
        subnetId: subnets[index % subnets.length] ?? '',
        securityGroupIds: [network.web.securityGroupId],
        metadataOptions: metadata,
        monitoring: true,
        disableApiTermination: false,
      });
      web.userData = Fn.base64(userData + saysReady(web));
      // Replaced one after another, each when the one before answers; the earlier ones serve until the last
      // does, and stay where one does not.
      web.cfnOptions.creationPolicy = { resourceSignal: { count: 1, timeout: READY_LIMIT } };
      if (former !== undefined) web.addResourceDependency(former);
      former = web;
      Tags.of(web).add('Name', WEB_INSTANCE_NAME);
      Tags.of(web).add(PROJECT_TAG, options.id);
      web.addResourceDependency(parameter);
      return web;
    });
    if (options.certificateArn === undefined) this.#giveAddress(this.web[0]!);
  }

  /** That stays when the instance is replaced. */
  #giveAddress(web: CfnInstance): void {
    const address = new CfnEIP(this, 'Address', { domain: 'vpc' });
    new CfnEIPAssociation(this, 'AddressOfWeb', {
      allocationId: address.attrAllocationId,
      instanceId: web.ref,
    });
    new CfnOutput(Stack.of(this), 'WebAddress', {
      value: `http://${address.attrPublicIp}:8000/`,
      description: 'POST / with a photo in the field inputFile',
    });
  }
}

/** The last line of the user data, under `set -e`. */
function saysReady(web: CfnInstance): string {
  const script = `${APP}/node_modules/node/bin/node ${APP}/deploy/signal-ready.ts`;
  return `${script} ${web.stack.region} ${web.stack.stackName} ${web.logicalId}\n`;
}

/**
 * Runs at the first boot only, so it holds nothing that an update of the stack changes: where the settings are,
 * and with a Redis of its own that it listens to the workers too.
 */
function webUserData({ id, region }: StackOptions, cache: Cache | undefined): string {
  const parameters = [settingsParameter(id), ...(cache ? [secretParameterName(id)] : [])];
  const environment = [
    'cat >>/etc/elastic-face/environment <<TEXT',
    `PROJECT_ID=${id}`,
    `AWS_REGION=${region}`,
    `SETTINGS_PARAMETER=${parameters.join(',')}`,
  ];
  const ownAddress = [
    'token=$(curl -sf -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" http://169.254.169.254/latest/api/token)',
    'address=$(curl -sf -H "X-aws-ec2-metadata-token: $token" http://169.254.169.254/latest/meta-data/local-ipv4)',
  ];
  const ownRedis = [
    'REDIS_URL=redis://$address:6379',
    'TEXT',
    // The security group decides which clients may connect.
    'printf "bind 0.0.0.0\\nprotected-mode no\\nappendonly yes\\n" >/etc/redis/elastic-face.conf',
    'grep -q elastic-face.conf /etc/redis/redis.conf || echo "include /etc/redis/elastic-face.conf" >>/etc/redis/redis.conf',
    'systemctl restart redis-server elastic-face-web elastic-face-scaler',
  ];
  const noRedis = [
    'TEXT',
    'systemctl disable --now redis-server',
    'systemctl restart elastic-face-web elastic-face-scaler',
  ];
  return [
    '#!/bin/bash',
    'set -euo pipefail',
    ...(cache === undefined
      ? [...ownAddress, ...environment, ...ownRedis]
      : [...environment, ...noRedis]),
    '',
  ].join('\n');
}
