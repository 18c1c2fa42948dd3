/** An EC2 in memory whose list lags and whose calls fail as a test says. */
import type { Ending, Fleet, FleetInstance, InstanceState } from '../../cloud/ec2/instances.ts';
import type { LaunchCall } from '../../cloud/ec2/launch-input.ts';

/** An error as the AWS SDK throws it. */
export function awsError(name: string, httpStatusCode: number): Error {
  return Object.assign(new Error(`${name} happened`), { name, $metadata: { httpStatusCode } });
}

export class MemoryFleet implements Fleet {
  /** Every instance there has been. */
  readonly instances: FleetInstance[] = [];
  /** Every launch call, in order. */
  readonly calls: LaunchCall[] = [];
  /** The number of every call to name. */
  readonly names: number[] = [];
  readonly starts: (readonly string[])[] = [];
  readonly stops: (readonly string[])[] = [];
  /** Every termination call. */
  readonly terminations: (readonly string[])[] = [];
  /** Launched, but not listed yet. */
  readonly unlisted = new Set<string>();
  lags = false;
  listFails = false;
  /** Thrown by the next launches, one each. */
  readonly refusals: Error[] = [];
  readonly nameFailures: Error[] = [];
  readonly startRefusals: Error[] = [];
  readonly stopRefusals: Error[] = [];
  /** Launch calls wait for it. */
  held: Promise<void> | undefined;
  /** Most instances a launch call gets. */
  room = Number.POSITIVE_INFINITY;
  /** The next launches happen, but their answer is lost. */
  lostAnswers = 0;
  terminateFails = false;
  /** A call that names one of these is refused as a whole, as EC2 does. */
  readonly locked = new Set<string>();
  readonly #byToken = new Map<string, FleetInstance[]>();
  readonly #terminated = new Set<string>();

  get alive(): FleetInstance[] {
    return this.instances.filter(({ id }) => !this.#terminated.has(id));
  }
  get tokens(): string[] {
    return this.calls.map(({ token }) => token);
  }
  get numbers(): number[] {
    return this.alive.map(({ number }) => number).sort((a, b) => a - b);
  }

  async list(): Promise<FleetInstance[]> {
    if (this.listFails) throw awsError('RequestLimitExceeded', 503);
    return this.alive.filter(({ id }) => !this.unlisted.has(id));
  }

  async launch(call: LaunchCall): Promise<FleetInstance[]> {
    this.calls.push(call);
    await this.held;
    const refusal = this.refusals.shift();
    if (refusal) throw refusal;
    const { numbers, token } = call;
    const instances =
      this.#byToken.get(token) ??
      numbers.slice(0, this.room).map((number) => this.add(number, numbers.length > 1));
    this.#byToken.set(token, instances);
    if (this.lags) for (const { id } of instances) this.unlisted.add(id);
    if (this.lostAnswers > 0) {
      this.lostAnswers -= 1;
      throw new Error('socket hang up');
    }
    return instances;
  }

  async name(instanceId: string, number: number): Promise<void> {
    this.names.push(number);
    const failure = this.nameFailures.shift();
    if (failure) throw failure;
    this.#change(instanceId, { unnamed: false });
  }

  async start(instanceIds: readonly string[]): Promise<void> {
    this.starts.push(instanceIds);
    this.#refuseLocked(instanceIds);
    const refusal = this.startRefusals.shift();
    if (refusal) throw refusal;
    for (const id of instanceIds) this.setState(id, 'running');
  }

  async stop(instanceIds: readonly string[]): Promise<void> {
    this.stops.push(instanceIds);
    this.#refuseLocked(instanceIds);
    const refusal = this.stopRefusals.shift();
    if (refusal) throw refusal;
    for (const id of instanceIds) this.setState(id, 'stopped');
  }

  async terminate(instanceIds: readonly string[]): Promise<void> {
    this.terminations.push(instanceIds);
    this.#refuseLocked(instanceIds);
    if (this.terminateFails) throw awsError('InternalError', 500);
    for (const id of instanceIds) this.#terminated.add(id);
  }

  async endings(instanceIds: readonly string[]): Promise<Ending[]> {
    return this.instances
      .filter(({ id }) => instanceIds.includes(id))
      .map(({ id, state }) => ({ id, state: this.#terminated.has(id) ? 'terminated' : state }));
  }

  add(number: number, unnamed = false): FleetInstance {
    const id = `i-${String(this.instances.length + 1).padStart(17, '0')}`;
    const launchedAt = Date.now();
    const instance: FleetInstance = { id, number, state: 'running', launchedAt, unnamed };
    this.instances.push(instance);
    return instance;
  }

  setState(id: string, state: InstanceState): void {
    this.#change(id, state === 'running' ? { state, launchedAt: Date.now() } : { state });
  }

  #refuseLocked(instanceIds: readonly string[]): void {
    if (instanceIds.some((id) => this.locked.has(id))) {
      throw awsError('OperationNotPermitted', 400);
    }
  }

  #change(id: string, change: Partial<FleetInstance>): void {
    const index = this.instances.findIndex((instance) => instance.id === id);
    this.instances[index] = { ...this.instances[index]!, ...change };
  }
}
