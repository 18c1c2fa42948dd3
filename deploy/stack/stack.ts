/** The whole of a project on AWS as one CloudFormation stack, made of its parts. */
import { type App, DefaultStackSynthesizer, Stack, Tags } from 'aws-cdk-lib';
import { PROJECT_TAG } from '../../cloud/contract/names.ts';
import { Instances } from './instances.ts';
import { Network } from './network.ts';
import type { StackOptions } from './options.ts';
import { Roles } from './roles.ts';
import { Storage } from './storage.ts';
import { TlsFront } from './tls-front.ts';
import { Watching } from './watching.ts';

export function stackName(id: string): string {
  return `elastic-face-${id}`;
}

export interface StackParts {
  readonly stack: Stack;
  readonly storage: Storage;
  readonly network: Network;
  readonly roles: Roles;
  readonly instances: Instances;
  readonly front: TlsFront | undefined;
}

/** A template without assets: any CloudFormation client deploys it, in an account that knows no CDK. */
export function createStack(app: App, options: StackOptions): StackParts {
  const stack = new Stack(app, stackName(options.id), {
    description: 'Elastic face recognition: web tier, queue, and workers that appear with work.',
    env: { region: options.region },
    synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }),
  });
  const storage = new Storage(stack, options);
  const network = new Network(stack, { behindBalancer: options.certificateArn !== undefined });
  const roles = new Roles(stack, { storage });
  const instances = new Instances(stack, { options, network, roles });
  const { certificateArn } = options;
  const front =
    certificateArn === undefined
      ? undefined
      : new TlsFront(stack, { certificateArn, network, web: instances.web });
  new Watching(stack, { options, storage });
  // CloudFormation takes tags on these two, but its linter does not know it yet.
  Tags.of(stack).add(PROJECT_TAG, options.id, {
    excludeResourceTypes: ['AWS::CloudWatch::Dashboard', 'AWS::ElasticLoadBalancingV2::Listener'],
  });
  return { stack, storage, network, roles, instances, front };
}
