/** The whole of a project on AWS as one CloudFormation stack, made of its parts. */
import { type App, DefaultStackSynthesizer, Stack, Tags } from 'aws-cdk-lib';
import { PROJECT_TAG } from '../../cloud/names.ts';
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

/** A template without assets: any CloudFormation client deploys it, in an account that knows no CDK. */
export function createStack(app: App, options: StackOptions): Stack {
  const stack = new Stack(app, stackName(options.id), {
    description: 'Elastic face recognition: web tier, queue, and workers that appear with work.',
    env: { region: options.region },
    synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }),
  });
  const storage = new Storage(stack, options);
  const network = new Network(stack, { behindBalancer: options.certificateArn !== undefined });
  const roles = new Roles(stack, { storage });
  const instances = new Instances(stack, { options, network, roles });
  if (options.certificateArn !== undefined) {
    new TlsFront(stack, { certificateArn: options.certificateArn, network, web: instances.web });
  }
  new Watching(stack, { options, storage, web: instances.web });
  Tags.of(stack).add(PROJECT_TAG, options.id);
  return stack;
}
