/**
 * One network of public subnets without a NAT gateway, which alone would cost more than an idle stack.
 * Nothing reaches a worker from outside: its security group takes no connection at all. Who reaches the web
 * tier is decided in `front.ts`.
 */
import {
  GatewayVpcEndpointAwsService,
  type IVpc,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';

export const WEB_PORT = 8000;
const REDIS_PORT = 6379;

export class Network extends Construct {
  readonly vpc: IVpc;
  readonly web: SecurityGroup;
  readonly workers: SecurityGroup;
  readonly webPort = Port.tcp(WEB_PORT);

  constructor(scope: Construct, { redis }: { redis: 'instance' | 'elasticache' }) {
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
    if (redis === 'instance') {
      this.web.addIngressRule(this.workers, Port.tcp(REDIS_PORT), 'leases and pressure');
    }
  }
}
