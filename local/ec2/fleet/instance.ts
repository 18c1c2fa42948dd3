/**
 * One instance of the embedded EC2: what is known of it, the table of its states, and whether it may be
 * terminated, stopped or started. Pure.
 */
import { instanceName, numberByTags } from '../../../cloud/contract/names.ts';
import { Ec2Error } from '../errors.ts';

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

export type StateName =
  | 'pending'
  | 'running'
  | 'shutting-down'
  | 'terminated'
  | 'stopping'
  | 'stopped';

/** EC2's own numbers (API reference, type InstanceState). */
export const STATE_CODES: Readonly<Record<StateName, number>> = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
};

/**
 * `spawned` and `exited` come from the instance's process, `interrupt` from the spot market, the others
 * from the API.
 */
export type StateEvent = 'spawned' | 'exited' | 'interrupt' | 'terminate' | 'stop' | 'start';

const TABLE: Readonly<Record<StateName, Partial<Record<StateEvent, StateName>>>> = {
  pending: {
    spawned: 'running',
    exited: 'terminated',
    terminate: 'shutting-down',
    start: 'pending',
  },
  running: {
    exited: 'terminated',
    interrupt: 'shutting-down',
    terminate: 'shutting-down',
    stop: 'stopping',
    start: 'running',
  },
  'shutting-down': { exited: 'terminated', terminate: 'shutting-down' },
  terminated: { terminate: 'terminated' },
  stopping: { exited: 'stopped', terminate: 'shutting-down', stop: 'stopping' },
  stopped: { start: 'pending', stop: 'stopped', terminate: 'terminated' },
};

/** The state that follows, the same one when the event changes nothing, undefined when it is not allowed. */
export function nextState(state: StateName, event: StateEvent): StateName | undefined {
  return TABLE[state][event];
}

/** What a caller may ask of instances that exist. */
export type ChangeEvent = 'terminate' | 'stop' | 'start';

/** @returns IncorrectInstanceState, UnsupportedOperation, OperationNotPermitted, or undefined when it may be done */
export function whyNot(instance: Instance, event: ChangeEvent): Ec2Error | undefined {
  const { id, state, external, spot } = instance;
  if (external && event !== 'start') {
    return new Ec2Error(
      'OperationNotPermitted',
      `The instance '${id}' may not be ${PAST[event]}: it runs outside the local cloud.`,
    );
  }
  if (event === 'stop' && spot && !spot.persistent) {
    return new Ec2Error(
      'UnsupportedOperation',
      `You can't stop the Spot Instance '${id}' because it is associated with a one-time Spot Instance request.`,
    );
  }
  if (nextState(state, event) === undefined) {
    return new Ec2Error(
      'IncorrectInstanceState',
      `The instance '${id}' is not in a state from which it can be ${PAST[event]}.`,
    );
  }
  return undefined;
}

const PAST = { terminate: 'terminated', stop: 'stopped', start: 'started' } as const;

/** What DescribeInstances gives as the reason of an instance's end at this time. */
export function endedBy(
  event: 'terminate' | 'stop' | 'interrupt',
  now: Date,
): Pick<Instance, 'stateReason' | 'transitionReason'> {
  if (event === 'interrupt') {
    const code = 'Server.SpotInstanceTermination';
    return {
      stateReason: { code, message: `${code}: The spot instance was interrupted` },
      transitionReason: code,
    };
  }
  const code = 'Client.UserInitiatedShutdown';
  return {
    stateReason: { code, message: `${code}: User initiated shutdown` },
    transitionReason: `User initiated (${now.toISOString().slice(0, 19).replace('T', ' ')} GMT)`,
  };
}
