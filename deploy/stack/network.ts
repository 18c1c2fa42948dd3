/**
 * One network of public subnets without a NAT gateway, which alone would cost more than an idle stack.
 * Nothing reaches a worker from outside: its security group takes no connection at all. As an option, HTTPS
 * in front of the web tier.
 */

import { Duration } from 'aws-cdk-lib';
import {
  type CfnInstance,
  GatewayVpcEndpointAwsService,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import {
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ListenerCertificate,
  SslPolicy,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { InstanceIdTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2-targets';
import { Construct } from 'constructs';
import { settingsSchema } from '../../runtime/settings.ts';

const WEB_PORT = 8000;
const REDIS_PORT = 6379;

export class Network extends Construct {
  readonly vpc: IVpc;
  readonly web: SecurityGroup;
  readonly workers: SecurityGroup;
  readonly webPort = Port.tcp(WEB_PORT);

  constructor(scope: Construct, { behindBalancer }: { behindBalancer: boolean }) {
    super(scope, 'Network');
    this.vpc = new Vpc(this, 'Vpc', {
      maxAzs: 3,
      natGateways: 0,
      subnetConfiguration: [{ name: 'public', subnetType: SubnetType.PUBLIC }],
      // Photos go to S3 without touching the internet, at no price.
      gatewayEndpoints: { S3: { service: GatewayVpcEndpointAwsService.S3 } },
      restrictDefaultSecurityGroup: false,
    });
    this.web = new SecurityGroup(this, 'Web', {
      vpc: this.vpc,
      description: 'Web tier, scaler and Redis',
    });
    this.workers = new SecurityGroup(this, 'Workers', {
      vpc: this.vpc,
      description: 'Workers: no connection from outside',
    });
    if (!behindBalancer) this.web.addIngressRule(Peer.anyIpv4(), Port.tcp(WEB_PORT), 'photos');
    this.web.addIngressRule(this.workers, Port.tcp(REDIS_PORT), 'leases and pressure');
  }
}

/**
 * Above the web tier's own limit for an answer, so that its sentence arrives and not the balancer's 504: a
 * photo that starts an instance waits for its boot, and for a second one where the first fails.
 */
const IDLE_SECONDS = settingsSchema.parse({}).REQUEST_SECONDS + 10;
/** Of the web tier behind it, so that the balancer never reuses a connection that is just being closed. */
export const KEEP_ALIVE_BEHIND_BALANCER_SECONDS = IDLE_SECONDS + 10;

/** HTTPS in front of the web tier, as an option: a load balancer with a certificate of the account. */
export class TlsFront extends Construct {
  constructor(
    scope: Construct,
    {
      certificateArn,
      network,
      web,
    }: { certificateArn: string; network: Network; web: CfnInstance },
  ) {
    super(scope, 'TlsFront');
    const balancer = new ApplicationLoadBalancer(this, 'Balancer', {
      vpc: network.vpc,
      internetFacing: true,
      idleTimeout: Duration.seconds(IDLE_SECONDS),
      dropInvalidHeaderFields: true,
    });
    const listener = balancer.addListener('Https', {
      port: 443,
      certificates: [ListenerCertificate.fromArn(certificateArn)],
      sslPolicy: SslPolicy.RECOMMENDED_TLS,
    });
    listener.addTargets('Web', {
      port: WEB_PORT,
      protocol: ApplicationProtocol.HTTP,
      targets: [new InstanceIdTarget(web.ref, WEB_PORT)],
      healthCheck: { path: '/readyz' },
    });
    network.web.connections.allowFrom(balancer, network.webPort, 'photos, from the balancer');
  }
}
