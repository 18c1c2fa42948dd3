/** An instance of the world of property tests as it truly is, whatever EC2's list and its lease say. */

export interface Request {
  readonly id: number;
  readonly work: number;
  readonly cameAt: number;
}

export interface TrueInstance {
  readonly id: string;
  readonly number: number;
  readonly spot: boolean;
  launchedAt: number;
  unnamed: boolean;
  state: 'running' | 'stopping' | 'stopped' | 'shutting-down' | 'terminated';
  endsAt: number;
  hung: boolean;
  lease: 'starting' | 'idle' | 'busy' | 'draining' | 'drained';
  since: number;
  readonly inHand: { request: Request; doneAt: number }[];
  finished: number;
}

/** What begins when it boots, for the first time or again. */
export function anew(now: number) {
  return {
    state: 'running',
    launchedAt: now,
    since: now,
    lease: 'starting',
    hung: false,
    finished: 0,
  } as const;
}
