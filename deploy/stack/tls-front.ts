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
import { settingsSchema } from '../../runtime/settings.ts';
import { type Network, WEB_PORT } from './network.ts';

/**
 * Above the web tier's own limit for an answer, so that its sentence arrives and not the balancer's 504: a
 * photo that starts an instance waits for its boot, and for a second one where the first fails.
 */
const IDLE_SECONDS = settingsSchema.parse({}).REQUEST_SECONDS + 10;
/** Of the web tier behind it, so that the balancer never reuses a connection that is just being closed. */
export const KEEP_ALIVE_BEHIND_BALANCER_SECONDS = IDLE_SECONDS + 10;

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
