/**
 * The AWS clients with EC2's. Apart from the others, since loading EC2's client takes 0.4 s and
 * 70 MB, which a worker and a web node do not need.
 */
import { EC2Client } from '@aws-sdk/client-ec2';
import {
  type AwsClients,
  type AwsCredentials,
  type ClientSettings,
  createAwsClients,
  sharedByClients,
} from '../aws/clients.ts';

/** EC2 may take seconds to begin its answer to a launch. */
const SILENCE_LIMIT_MS = 10_000;

export interface Ec2Clients extends AwsClients {
  readonly ec2: EC2Client;
}

/**
 * @param credentials unset means where the AWS tools usually look for them
 * @param ec2Attempts how often the SDK sends one call to EC2; unset means its usual 3
 */
export function createEc2Clients(
  settings: ClientSettings,
  credentials?: AwsCredentials,
  ec2Attempts?: number,
): Ec2Clients {
  const others = createAwsClients(settings, credentials);
  const ec2 = new EC2Client({
    ...sharedByClients(settings, credentials, SILENCE_LIMIT_MS),
    ...(ec2Attempts === undefined ? {} : { maxAttempts: ec2Attempts }),
  });
  return {
    ...others,
    ec2,
    destroy() {
      others.destroy();
      ec2.destroy();
    },
  };
}
