/** What this EC2 can launch: one image, of any type. */

import { Ec2Error } from '../errors.ts';
import type { Ec2Request } from '../requests.ts';
import type { XmlObject } from '../xml.ts';
import { ACCOUNT, zoneIdOf, zonesOf } from './describe.ts';
import { FILTER_NAMES } from './filter-names.ts';
import { type Filterable, select } from './filters.ts';

/** Image of everything that runs here. */
export const LOCAL_IMAGE_ID = 'ami-000000000000010ca';
/** Offered when a request names no types: those that the settings and the docs name. */
const USUAL_TYPES = ['t3.small', 'c7i.large', 'c7g.large'];

interface Image {
  readonly id: string;
}

/** @throws {Ec2Error} InvalidAMIID.Malformed or InvalidAMIID.NotFound */
export function imagesOf({ ImageId, Owner, Filter }: Ec2Request<'DescribeImages'>): Image[] {
  for (const id of ImageId) {
    if (!/^ami-[0-9a-f]{8,17}$/.test(id)) {
      throw new Ec2Error('InvalidAMIID.Malformed', `Invalid id: "${id.slice(0, 100)}"`);
    }
    if (id !== LOCAL_IMAGE_ID) {
      throw new Ec2Error('InvalidAMIID.NotFound', `The image id '[${id}]' does not exist`);
    }
  }
  if (Owner.length > 0 && !Owner.some((owner) => owner === 'self' || owner === ACCOUNT)) return [];
  const kind: Filterable = {
    names: FILTER_NAMES.Images,
    renamed: { state: 'imageState', 'owner-id': 'imageOwnerId' },
  };
  return select([{ id: LOCAL_IMAGE_ID }], Filter, kind, imageXml);
}

export function imageXml({ id }: Image): XmlObject {
  return {
    imageId: id,
    imageState: 'available',
    imageOwnerId: ACCOUNT,
    isPublic: false,
    architecture: 'x86_64',
    imageType: 'machine',
    rootDeviceType: 'ebs',
    rootDeviceName: '/dev/xvda',
    virtualizationType: 'hvm',
    name: 'elastic-face',
    hypervisor: 'xen',
    enaSupport: true,
    blockDeviceMapping: '',
    tagSet: '',
  };
}

/** Any type that is asked for by its whole name: what runs here is a process on this machine. */
export function offersOf(
  region: string,
  { LocationType, Filter }: Ec2Request<'DescribeInstanceTypeOfferings'>,
): XmlObject[] {
  const asked = Filter.filter(({ Name }) => Name === 'instance-type').flatMap(({ Value }) => Value);
  const whole = asked.filter((type) => /^[a-z0-9-]+\.[a-z0-9-]+$/.test(type));
  const known = [...new Set([...USUAL_TYPES, ...whole])];
  const locations =
    LocationType === 'region'
      ? [region]
      : zonesOf(region).map((zone) =>
          LocationType === 'availability-zone' ? zone : zoneIdOf(zone),
        );
  const all = known.flatMap((instanceType) =>
    locations.map((location) => ({ instanceType, locationType: LocationType, location })),
  );
  const kind = { names: FILTER_NAMES.InstanceTypeOfferings };
  return select(all, Filter, kind, (offer) => offer);
}
