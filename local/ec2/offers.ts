/** What this EC2 can launch: one image, of any type. */
import { ACCOUNT } from './describe.ts';
import { Ec2Error } from './errors.ts';
import { select } from './filters.ts';
import type { Ec2Request } from './requests.ts';
import type { XmlObject } from './xml.ts';

/** Image of everything that runs here. */
export const LOCAL_IMAGE_ID = 'ami-000000000000010ca';
/** Offered when nobody asks for certain ones: those that the settings and the docs name. */
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
  const names = new Set(['image-id', 'state', 'architecture', 'owner-id']);
  return select([{ id: LOCAL_IMAGE_ID }], Filter, names, ({ id }, name) => {
    return {
      'image-id': [id],
      state: ['available'],
      architecture: ['x86_64'],
      'owner-id': [ACCOUNT],
    }[name];
  });
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
  };
}

/** Any type that is asked for by its whole name: what runs here is a process on this machine. */
export function offeredTypes(filters: Ec2Request<'DescribeInstanceTypeOfferings'>['Filter']) {
  const asked = filters
    .filter(({ Name }) => Name === 'instance-type')
    .flatMap(({ Value }) => Value);
  const whole = asked.filter((type) => /^[a-z0-9-]+\.[a-z0-9-]+$/.test(type));
  const known = [...new Set([...USUAL_TYPES, ...whole])];
  return select(known, filters, new Set(['instance-type']), (type) => [type]);
}
