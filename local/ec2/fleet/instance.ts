/** What the embedded EC2 knows of one instance. Data only. */
import { instanceName, numberByTags } from '../../../cloud/contract/names.ts';
import type { StateName } from './states.ts';

export interface Instance {
  readonly id: string;
  readonly reservationId: string;
  /** Order of launch over all instances; pages go by it. */
  readonly sequence: number;
  /** Place within its reservation, from 0. */
  readonly launchIndex: number;
  readonly imageId: string;
  readonly instanceType: string;
  readonly availabilityZone: string;
  readonly privateIp: string;
  readonly keyName: string | undefined;
  readonly subnetId: string | undefined;
  readonly securityGroupIds: readonly string[];
  readonly profileName: string | undefined;
  readonly clientToken: string | undefined;
  /** As sent: base64. */
  readonly userData: string | undefined;
  /** Whether the instance may read its own tags from its metadata. */
  readonly metadataTags: boolean;
  /** Of a spot instance: the request that EC2 makes for it, and whether that outlives the instance. */
  readonly spot: { readonly requestId: string; readonly persistent: boolean } | undefined;
  /** Runs outside this EC2: listed, never started or ended by it. */
  readonly external: boolean;
  readonly tags: Map<string, string>;
  launchTime: Date;
  state: StateName;
  /** Why it is where it is, in EC2's words; undefined while all is well. */
  stateReason: { readonly code: string; readonly message: string } | undefined;
  /** The text of a state change, e.g. `User initiated (2026-11-24 10:00:00 GMT)`. */
  transitionReason: string;
  endedAt: Date | undefined;
  /** When the spot market recommended to leave, once it has. */
  rebalanceAt: Date | undefined;
  /** When the spot market takes the instance, once it has given notice. */
  interruptionAt: Date | undefined;
}

/** The instance's Name tag, or the name it will have, or its id. */
export function displayName({ id, tags, launchIndex }: Instance): string {
  const number = numberByTags((key) => tags.get(key), launchIndex);
  return tags.get('Name') || (number === undefined ? id : instanceName(number));
}
