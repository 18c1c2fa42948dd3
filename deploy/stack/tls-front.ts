/** HTTPS in front of the web tier, as an option: a load balancer with a certificate of the account. */
import { Duration } from 'aws-cdk-lib';
import type { CfnInstance } from 'aws-cdk-lib/aws-ec2';
import {
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ListenerCertificate,
  SslPolicy,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { InstanceIdTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2-targets';
import { Construct } from 'constructs';
import { type Network, WEB_PORT } from './network.ts';

/** Below the web tier's own keep-alive of 65 s and above a slow recognition from zero instances. */
const IDLE = Duration.seconds(60);

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
      idleTimeout: IDLE,
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
