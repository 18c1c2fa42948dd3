/** An EC2 in memory whose list lags and whose calls fail as a test says. */
import type { Fleet, FleetInstance } from '../cloud/instances.ts';

/** An error as the AWS SDK throws it. */
export function awsError(name: string, httpStatusCode: number): Error {
  return Object.assign(new Error(`${name} happened`), { name, $metadata: { httpStatusCode } });
}

export class MemoryFleet implements Fleet {
  /** Every instance there has been. */
  readonly instances: FleetInstance[] = [];
  /** The tokens of all launch calls, in order. */
  readonly tokens: string[] = [];
  /** Every termination call. */
  readonly terminations: (readonly string[])[] = [];
  /** Launched, but not listed yet. */
  readonly unlisted = new Set<string>();
  lags = false;
  listFails = false;
  /** Thrown by the next launches, one each. */
  readonly refusals: Error[] = [];
  /** The next launches happen, but their answer is lost. */
  lostAnswers = 0;
  terminateFails = false;
  readonly #byToken = new Map<string, FleetInstance>();
  readonly #terminated = new Set<string>();

  get alive(): FleetInstance[] {
    return this.instances.filter(({ id }) => !this.#terminated.has(id));
  }
  get numbers(): number[] {
    return this.alive.map(({ number }) => number).sort((a, b) => a - b);
  }

  async list(): Promise<FleetInstance[]> {
    if (this.listFails) throw awsError('RequestLimitExceeded', 503);
    return this.alive.filter(({ id }) => !this.unlisted.has(id));
  }

  async launch(number: number, token: string): Promise<FleetInstance> {
    this.tokens.push(token);
    const refusal = this.refusals.shift();
    if (refusal) throw refusal;
    const instance = this.#byToken.get(token) ?? this.add(number);
    this.#byToken.set(token, instance);
    if (this.lags) this.unlisted.add(instance.id);
    if (this.lostAnswers > 0) {
      this.lostAnswers -= 1;
      throw new Error('socket hang up');
    }
    return instance;
  }

  async terminate(instanceIds: readonly string[]): Promise<void> {
    this.terminations.push(instanceIds);
    if (this.terminateFails) throw awsError('InternalError', 500);
    for (const id of instanceIds) this.#terminated.add(id);
  }

  add(number: number): FleetInstance {
    const id = `i-${String(this.instances.length + 1).padStart(17, '0')}`;
    const instance: FleetInstance = { id, number, state: 'running', launchedAt: Date.now() };
    this.instances.push(instance);
    return instance;
  }
}
