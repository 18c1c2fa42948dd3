/** Whether an instance may be terminated, stopped or started, and how EC2 tells the cause. Pure. */
import { Ec2Error } from '../errors.ts';
import type { Instance } from './instance.ts';
import { nextState } from './states.ts';

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

/** What DescribeInstances tells of why an instance was ended at this time. */
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
