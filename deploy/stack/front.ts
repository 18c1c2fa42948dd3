/**
 * How clients reach the web tier: by HTTPS, through a load balancer with a certificate of the account, or by
 * plain HTTP where that was asked for. Only the networks of `--allow-from` reach either.
 */
import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { type CfnInstance, Peer, Port, type SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import {
  ApplicationLoadBalancer,
  ApplicationProtocol,
  type ApplicationTargetGroup,
  ListenerCertificate,
  SslPolicy,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { InstanceIdTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2-targets';
import { Construct } from 'constructs';
import { settingsSchema } from '../../runtime/settings.ts';
import { type Network, WEB_PORT } from './network.ts';

const HTTPS_PORT = 443;

/**
 * Above the web tier's own limit for an answer, so that its sentence arrives and not the balancer's 504: a
 * photo that starts an instance waits for its boot, and for a second one where the first fails.
 */
const IDLE_SECONDS = settingsSchema.parse({}).REQUEST_SECONDS + 10;
/** Of the web tier behind it, so that the balancer never reuses a connection that is just being closed. */
export const KEEP_ALIVE_BEHIND_BALANCER_SECONDS = IDLE_SECONDS + 10;

/** HTTPS in front of the web tier: the only way to it from outside. */
export class TlsFront extends Construct {
  readonly targets: ApplicationTargetGroup;

  constructor(
    scope: Construct,
    {
      certificateArn,
      allowFrom,
      network,
      web,
    }: {
      certificateArn: string;
      allowFrom: readonly string[];
      network: Network;
      web: readonly CfnInstance[];
    },
  ) {
    super(scope, 'TlsFront');
    const balancer = new ApplicationLoadBalancer(this, 'Balancer', {
      vpc: network.vpc,
      internetFacing: true,
      idleTimeout: Duration.seconds(IDLE_SECONDS),
      dropInvalidHeaderFields: true,
    });
    const listener = balancer.addListener('Https', {
      port: HTTPS_PORT,
      certificates: [ListenerCertificate.fromArn(certificateArn)],
      sslPolicy: SslPolicy.RECOMMENDED_TLS,
      open: false,
    });
    for (const range of allowFrom) {
      balancer.connections.allowFrom(Peer.ipv4(range), Port.tcp(HTTPS_PORT), 'photos');
    }
    this.targets = listener.addTargets('Web', {
      port: WEB_PORT,
      protocol: ApplicationProtocol.HTTP,
      targets: web.map(({ ref }) => new InstanceIdTarget(ref, WEB_PORT)),
      // A new node is in service after its first good answer; one that fails twice is out after 20 s.
      healthCheck: {
        path: '/readyz',
        interval: Duration.seconds(10),
        healthyThresholdCount: 2,
        unhealthyThresholdCount: 2,
      },
    });
    network.web.connections.allowFrom(balancer, network.webPort, 'photos, from the balancer');
    new CfnOutput(Stack.of(this), 'BalancerName', {
      value: balancer.loadBalancerDnsName,
      description: 'Point the certificate’s name at this one (CNAME or alias)',
    });
  }
}

/** Plain HTTP: the web instances take connections themselves. */
export function allowPlainHttp(web: SecurityGroup, allowFrom: readonly string[]): void {
  for (const range of allowFrom) web.addIngressRule(Peer.ipv4(range), Port.tcp(WEB_PORT), 'photos');
}
