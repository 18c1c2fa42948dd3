/** EC2's actions: a checked request in, the content of the answer out. Knows nothing about HTTP. */

import { Ec2Error } from './errors.ts';
import type { InstanceFleet, StateChange } from './fleet/fleet.ts';
import type { ChangeEvent, Instance } from './fleet/instance.ts';
import { ABSENT, type AbsentAction, noneOf } from './lists/absent.ts';
import { byReservation, reservationXml, stateXml, statusXml } from './lists/describe.ts';
import { FILTER_NAMES } from './lists/filter-names.ts';
import { pageOf, select, selectInstances, selectStatuses } from './lists/filters.ts';
import { attributeOf, consoleOf, creditsOf, refuseReboot } from './lists/instance-details.ts';
import { instanceTypesOf } from './lists/instance-types.ts';
import { imagesOf, imageXml, offersOf } from './lists/offers.ts';
import {
  availabilityZonesOf,
  regionsOf,
  securityGroupsOf,
  subnetsOf,
  vpcsOf,
} from './lists/places.ts';
import type { Ec2Action, Ec2Request } from './requests.ts';
import { items, type XmlObject } from './xml.ts';

type Handler<Action extends Ec2Action> = (
  fleet: InstanceFleet,
  request: Ec2Request<Action>,
) => XmlObject;

/** EC2's own limit for one resource. */
const MOST_TAGS = 50;

const handlers: { readonly [Action in Ec2Action]: Handler<Action> } = {
  RunInstances(fleet, request) {
    if (request.DryRun) fleet.check(request);
    allowDryRun(request);
    return reservationXml(fleet.run(request));
  },

  DescribeInstances(fleet, request) {
    allowDryRun(request);
    const { things, nextToken } = instancesOf(fleet, request);
    return {
      reservationSet: items(byReservation(things).map(reservationXml)),
      ...token(nextToken),
    };
  },

  DescribeInstanceStatus(fleet, request) {
    allowDryRun(request);
    const { things, nextToken } = instancesOf(
      fleet,
      request,
      selectStatuses,
      (instance) => request.IncludeAllInstances || instance.state === 'running',
    );
    return { instanceStatusSet: items(things.map(statusXml)), ...token(nextToken) };
  },

  TerminateInstances: (fleet, request) => changed(fleet, request, 'terminate'),
  StopInstances: (fleet, request) => changed(fleet, request, 'stop', request.Hibernate),
  StartInstances: (fleet, request) => changed(fleet, request, 'start'),

  CreateTags(fleet, request) {
    if (request.Tag.length === 0) {
      throw new Ec2Error('MissingParameter', 'The request must contain the parameter Tag');
    }
    const instances = resources(fleet, request.ResourceId);
    for (const { id, tags } of instances) {
      if (new Set([...tags.keys(), ...request.Tag.map(({ Key }) => Key)]).size > MOST_TAGS) {
        throw new Ec2Error('TagLimitExceeded', `More than ${MOST_TAGS} tags on ${id}`);
      }
    }
    allowDryRun(request);
    for (const { tags } of instances)
      for (const { Key, Value } of request.Tag) tags.set(Key, Value);
    return { return: true };
  },

  DeleteTags(fleet, request) {
    const instances = resources(fleet, request.ResourceId);
    allowDryRun(request);
    for (const { tags } of instances) {
      if (request.Tag.length === 0) tags.clear();
      for (const { Key, Value } of request.Tag) {
        if (Value === undefined || tags.get(Key) === Value) tags.delete(Key);
      }
    }
    return { return: true };
  },

  DescribeTags(fleet, request) {
    allowDryRun(request);
    const all = fleet
      .list()
      .flatMap(({ id, tags }) => [...tags].map(([key, value]) => ({ id, key, value })));
    const found = select(all, request.Filter, { names: FILTER_NAMES.Tags }, (tag) => ({
      ...tagXml(tag),
      tagSet: items([{ key: tag.key, value: tag.value }]),
    }));
    const order = new Map(found.map((one, index) => [one, index]));
    const { things, nextToken } = pageOf(found, (one) => order.get(one)!, request);
    return {
      tagSet: items(things.map(tagXml)),
      ...token(nextToken),
    };
  },

  DescribeImages(_fleet, request) {
    allowDryRun(request);
    return { imagesSet: items(imagesOf(request).map(imageXml)) };
  },

  DescribeInstanceTypeOfferings(fleet, request) {
    allowDryRun(request);
    const { region } = fleet;
    return { instanceTypeOfferingSet: items(offersOf(region, request)) };
  },

  RebootInstances: (fleet, request) => refuseReboot(fleet, request),
  DescribeRegions: describing(regionsOf),
  DescribeAvailabilityZones: describing(availabilityZonesOf),
  DescribeVpcs: describing((_fleet, request: Ec2Request<'DescribeVpcs'>) => vpcsOf(request)),
  DescribeSubnets: describing(subnetsOf),
  DescribeSecurityGroups: describing((_fleet, request: Ec2Request<'DescribeSecurityGroups'>) =>
    securityGroupsOf(request),
  ),
  DescribeInstanceTypes: describing((_fleet, request: Ec2Request<'DescribeInstanceTypes'>) =>
    instanceTypesOf(request),
  ),
  DescribeInstanceCreditSpecifications: describing(creditsOf),
  DescribeInstanceAttribute: describing(attributeOf),
  GetConsoleOutput: describing(consoleOf),
  ...absentHandlers(),
};

function tagXml({ id, key, value }: { id: string; key: string; value: string }): XmlObject {
  return { resourceId: id, resourceType: 'instance', key, value };
}

/** An action that only looks: a dry run of it would have succeeded. */
function describing<Request extends { DryRun: boolean }>(
  describe: (fleet: InstanceFleet, request: Request) => XmlObject,
): (fleet: InstanceFleet, request: Request) => XmlObject {
  return (fleet, request) => {
    allowDryRun(request);
    return describe(fleet, request);
  };
}

function absentHandlers(): { [Action in AbsentAction]: Handler<Action> } {
  const actions = Object.keys(ABSENT) as AbsentAction[];
  return Object.fromEntries(
    actions.map((action) => [
      action,
      describing((_fleet, request: Ec2Request<AbsentAction>) => noneOf(action, request)),
    ]),
  ) as { [Action in AbsentAction]: Handler<Action> };
}

/** @throws {Ec2Error} whatever EC2 would refuse the request with. */
export function perform<Action extends Ec2Action>(
  fleet: InstanceFleet,
  action: Action,
  request: Ec2Request<Action>,
): XmlObject {
  return (handlers[action] as Handler<Action>)(fleet, request);
}

/** A dry run that comes this far would have succeeded. */
function allowDryRun({ DryRun }: { DryRun: boolean }): void {
  if (!DryRun) return;
  throw new Ec2Error('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', {
    status: 412,
  });
}

function instancesOf(
  fleet: InstanceFleet,
  request: Ec2Request<'DescribeInstances'>,
  choose: typeof selectInstances = selectInstances,
  wanted: (instance: Instance) => boolean = () => true,
) {
  if (request.InstanceId.length > 0 && request.MaxResults !== undefined) {
    throw new Ec2Error(
      'InvalidParameterCombination',
      'The parameter instancesSet cannot be used with the parameter maxResults',
    );
  }
  const seen = fleet.seen();
  const named = request.InstanceId.length === 0 ? seen : fleet.find(request.InstanceId, seen);
  const found = choose(named.filter(wanted), request.Filter);
  return pageOf(
    found.sort((a, b) => a.sequence - b.sequence),
    ({ sequence }) => sequence,
    request,
  );
}

function changed(
  fleet: InstanceFleet,
  request: Ec2Request<'TerminateInstances'>,
  event: ChangeEvent,
  hibernate = false,
): XmlObject {
  const changes = fleet.change(request.InstanceId, event, { dryRun: request.DryRun, hibernate });
  allowDryRun(request);
  return { instancesSet: items(changes.map(changeXml)) };
}

function changeXml({ instance, before }: StateChange): XmlObject {
  return {
    instanceId: instance.id,
    currentState: stateXml(instance.state),
    previousState: stateXml(before),
  };
}

/** Instances are the only resources here that carry tags. */
function resources(fleet: InstanceFleet, ids: readonly string[]): Instance[] {
  const other = ids.find((id) => !id.startsWith('i-'));
  if (other !== undefined) {
    throw new Ec2Error('InvalidID', `The ID '${other.slice(0, 100)}' is not valid`);
  }
  return fleet.find(ids);
}

function token(nextToken: string | undefined): XmlObject {
  return nextToken === undefined ? {} : { nextToken };
}
