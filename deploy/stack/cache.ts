/**
 * Redis outside of the web instances, for more than one of them: Valkey in ElastiCache, a primary and a
 * replica in two zones, over TLS, with a password that only the services' roles can read.
 */

import { Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import {
  CfnParameterGroup,
  CfnReplicationGroup,
  CfnSubnetGroup,
} from 'aws-cdk-lib/aws-elasticache';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { Network } from './network.ts';
import type { StackOptions } from './options.ts';
import { secretName } from './secret-names.ts';

const PORT = 6380;

export class Cache extends Construct {
  /** Without the password. */
  readonly url: string;
  /** Holds REDIS_PASSWORD. */
  readonly secret: CfnSecret;

  constructor(scope: Construct, { options, network }: { options: StackOptions; network: Network }) {
    super(scope, 'Cache');
    this.secret = new CfnSecret(this, 'Password', {
      name: secretName(options.id),
      description: 'Password of Redis, as a setting of the services',
      generateSecretString: {
        secretStringTemplate: '{}',
        generateStringKey: 'REDIS_PASSWORD',
        passwordLength: 64,
        excludePunctuation: true,
      },
    });
    const group = new SecurityGroup(this, 'Group', {
      vpc: network.vpc,
      description: 'Redis: web tier, scaler and workers only',
      allowAllOutbound: false,
    });
    for (const peer of [network.web, network.workers]) {
      group.addIngressRule(peer, Port.tcp(PORT), 'leases, pressure and answers');
    }
    const cache = new CfnReplicationGroup(this, 'Valkey', {
      replicationGroupDescription: `elastic-face ${options.id}`,
      engine: 'valkey',
      engineVersion: '8.0',
      cacheNodeType: options.cacheType,
      port: PORT,
      numCacheClusters: 2,
      automaticFailoverEnabled: true,
      multiAzEnabled: true,
      transitEncryptionEnabled: true,
      atRestEncryptionEnabled: true,
      authToken: `{{resolve:secretsmanager:${this.secret.ref}:SecretString:REDIS_PASSWORD}}`,
      securityGroupIds: [group.securityGroupId],
      cacheSubnetGroupName: new CfnSubnetGroup(this, 'Subnets', {
        description: `elastic-face ${options.id}`,
        subnetIds: network.vpc.publicSubnets.map(({ subnetId }) => subnetId),
      }).ref,
      cacheParameterGroupName: new CfnParameterGroup(this, 'Parameters', {
        cacheParameterGroupFamily: 'valkey8',
        description: `elastic-face ${options.id}`,
        // Keys are state, not cached values: a full Redis refuses writes.
        properties: { 'maxmemory-policy': 'noeviction' },
      }).ref,
    });
    this.url = `rediss://${cache.attrPrimaryEndPointAddress}:${PORT}`;
  }
}
