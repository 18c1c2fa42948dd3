/** The life of an instance as a pure table: what may happen to it in each state, and what it becomes. */

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
