/** What runs: the launch template of workers, from which the scaler launches, and the one web instance. */
import { CfnOutput, CfnParameter, Fn, Stack, Tags } from 'aws-cdk-lib';
import { CfnEIP, CfnEIPAssociation, CfnInstance, CfnLaunchTemplate } from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { PROJECT_TAG, WEB_INSTANCE_NAME } from '../../cloud/contract/names.ts';
import { KEEP_ALIVE_BEHIND_BALANCER_SECONDS } from './front.ts';
import type { Keys } from './keys.ts';
import type { Network } from './network.ts';
import type { StackOptions } from './options.ts';
import type { Roles } from './roles.ts';

/** GB; the worker's image holds TensorFlow's library and the model beside Debian. */
const WORKER_DISK = 8;
const WEB_DISK = 12;

const disk = (volumeSize: number) => [
  {
    deviceName: '/dev/xvda',
    ebs: { volumeSize, volumeType: 'gp3', encrypted: true, deleteOnTermination: true },
  },
];
/** IMDSv2 only, and not past the instance itself. */
const metadata = { httpTokens: 'required', httpPutResponseHopLimit: 1, httpEndpoint: 'enabled' };

export class Instances extends Construct {
  readonly template: CfnLaunchTemplate;
  readonly web: CfnInstance;
  readonly address: CfnEIP;

  constructor(
    scope: Construct,
    {
      options,
      network,
      roles,
      keys,
    }: { options: StackOptions; network: Network; roles: Roles; keys: Keys },
  ) {
    super(scope, 'Instances');
    const image = (name: string, description: string): string =>
      new CfnParameter(Stack.of(this), name, { type: 'AWS::EC2::Image::Id', description })
        .valueAsString;
    const workerImage = image('WorkerImage', 'AMI made by deploy/bake/bake.sh --role worker');
    const webImage = image('WebImage', 'AMI made by deploy/bake/bake.sh --role web');

    this.template = new CfnLaunchTemplate(this, 'Worker', {
      launchTemplateData: {
        imageId: workerImage,
        instanceType: options.workerType,
        iamInstanceProfile: { arn: roles.workerProfile.attrArn },
        instanceInitiatedShutdownBehavior: 'terminate',
        metadataOptions: { ...metadata, instanceMetadataTags: 'enabled' },
        blockDeviceMappings: disk(WORKER_DISK),
        // No network interface: the scaler names the subnet, and EC2 refuses both together.
        securityGroupIds: [network.workers.securityGroupId],
      },
    });
    roles.allowScaling(options.id, this.template);

    const [subnet] = network.vpc.publicSubnets;
    const subnets = network.vpc.publicSubnets.map(({ subnetId }) => subnetId);
    this.web = new CfnInstance(this, 'Web', {
      imageId: webImage,
      instanceType: options.webType,
      iamInstanceProfile: roles.webProfile.ref,
      subnetId: subnet?.subnetId ?? '',
      securityGroupIds: [network.web.securityGroupId],
      blockDeviceMappings: disk(WEB_DISK),
      metadataOptions: metadata,
      monitoring: true,
      disableApiTermination: false,
      userData: Fn.base64(webUserData(options, keys, this.template.ref, subnets)),
    });
    Tags.of(this.web).add('Name', WEB_INSTANCE_NAME);
    Tags.of(this.web).add(PROJECT_TAG, options.id);
    this.address = new CfnEIP(this, 'Address', { domain: 'vpc' });
    new CfnEIPAssociation(this, 'AddressOfWeb', {
      allocationId: this.address.attrAllocationId,
      instanceId: this.web.ref,
    });
    new CfnOutput(Stack.of(this), 'WebAddress', {
      value: `http://${this.address.attrPublicIp}:8000/`,
      description: 'POST / with a photo in the field inputFile',
    });
  }
}

/** Settings of web tier and scaler, written before their units start; Redis listens to the workers too. */
function webUserData(
  options: StackOptions,
  keys: Keys,
  template: string,
  subnets: readonly string[],
): string {
  return [
    '#!/bin/bash',
    'set -euo pipefail',
    'token=$(curl -sf -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" http://169.254.169.254/latest/api/token)',
    'address=$(curl -sf -H "X-aws-ec2-metadata-token: $token" http://169.254.169.254/latest/meta-data/local-ipv4)',
    'cat >/etc/elastic-face/environment <<TEXT',
    `PROJECT_ID=${options.id}`,
    `AWS_REGION=${options.region}`,
    `MAX_INSTANCES=${options.maxInstances}`,
    `INSTANCE_TYPE=${options.workerType}`,
    `LAUNCH_TEMPLATE_ID=${template}`,
    `SUBNET_ID=${subnets.join(',')}`,
    ...(options.certificateArn === undefined
      ? []
      : [`KEEP_ALIVE_SECONDS=${KEEP_ALIVE_BEHIND_BALANCER_SECONDS}`]),
    ...Object.entries(keys.settings).map(([name, value]) => `${name}=${value}`),
    'REDIS_URL=redis://$address:6379',
    'TEXT',
    // The security group decides which clients may connect.
    'printf "bind 0.0.0.0\\nprotected-mode no\\nappendonly yes\\n" >/etc/redis/elastic-face.conf',
    'grep -q elastic-face.conf /etc/redis/redis.conf || echo "include /etc/redis/elastic-face.conf" >>/etc/redis/redis.conf',
    'systemctl restart redis-server elastic-face-web elastic-face-scaler',
    '',
  ].join('\n');
}
