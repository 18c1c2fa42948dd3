/** An instance as data, for tests of how instances are described. */
import type { Instance } from './instance.ts';

export function testInstance(more: Partial<Instance> = {}): Instance {
  return {
    id: 'i-0123456789abcdef0',
    reservationId: 'r-0123456789abcdef0',
    sequence: 1,
    launchIndex: 0,
    imageId: 'ami-0123456789abcdef0',
    instanceType: 'c7i.large',
    availabilityZone: 'us-east-1a',
    privateIp: '127.0.0.1',
    keyName: undefined,
    subnetId: undefined,
    securityGroupIds: [],
    profileName: undefined,
    clientToken: undefined,
    userData: undefined,
    metadataTags: true,
    spot: undefined,
    external: false,
    tags: new Map([['Name', 'app-tier-instance-1']]),
    launchTime: new Date('2026-11-24T10:00:00Z'),
    state: 'running',
    stateReason: undefined,
    transitionReason: '',
    endedAt: undefined,
    rebalanceAt: undefined,
    interruptionAt: undefined,
    ...more,
  };
}
