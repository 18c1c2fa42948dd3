/** Whether hardware and addresses are left for a launch. Pure. */

import type { RunInstancesRequest } from '../requests.ts';
import { type Imitation, type Kind, noHardware, type Room } from './imitation.ts';
import type { Instance } from './instance.ts';

export function roomFor(
  request: RunInstancesRequest,
  imitation: Imitation,
  instances: readonly Instance[],
): Room {
  const { InstanceType: instanceType, SubnetId: subnetId, InstanceMarketOptions } = request;
  const spot = InstanceMarketOptions?.MarketType === 'spot';
  return imitation.roomFor({ instanceType, subnetId, spot }, inUse(instances));
}

/**
 * @param starting those that are not stopped need nothing; a stopped one has kept its address
 * @throws {Ec2Error} InsufficientInstanceCapacity
 */
export function checkHardware(
  starting: readonly Instance[],
  imitation: Imitation,
  instances: readonly Instance[],
): void {
  const used = inUse(instances);
  for (const instance of starting) {
    if (instance.state !== 'stopped') continue;
    const kind = kindOf(instance);
    if (imitation.roomFor(kind, used).hardware < 1) {
      throw noHardware(instance.instanceType, instance.availabilityZone);
    }
    used.push(kind);
  }
}

/** A stopped instance gives its hardware back. */
function inUse(instances: readonly Instance[]): Kind[] {
  return instances
    .filter(({ external, state }) => !external && state !== 'terminated' && state !== 'stopped')
    .map(kindOf);
}

function kindOf({ instanceType, subnetId, spot }: Instance): Kind {
  return { instanceType, subnetId, spot: spot !== undefined };
}
