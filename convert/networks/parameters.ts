/**
 * A state dict read strictly: every parameter that a network has is there, of the right shape and
 * finite, and none is left over, whatever stands before all names. Knows no network.
 */

import type { StateDict } from '../checkpoint/tensor.ts';
import { CheckpointError } from '../errors.ts';
import type { Values } from './fold-batch-norm.ts';

const describe = (shape: readonly number[]) => `[${shape.join(', ')}]`;

export class Parameters {
  readonly #file: string;
  readonly #state: StateDict;
  readonly #taken = new Set<string>();
  #prefix: string | undefined;

  /** @param file where the state dict was read from, for messages */
  constructor(file: string, state: StateDict) {
    this.#file = file;
    this.#state = state;
  }

  /** @throws {CheckpointError} when it is missing, of another shape or type, or not finite */
  take(wanted: string, shape: readonly number[]): Values {
    this.#prefix ??= this.#findPrefix(wanted);
    const name = this.#prefix + wanted;
    const tensor = this.#state.get(name);
    if (tensor === undefined) {
      throw this.#wrong(`has no parameter ${name}`);
    }
    if (describe(tensor.shape) !== describe(shape)) {
      throw this.#wrong(
        `has ${name} of shape ${describe(tensor.shape)}, where ${describe(shape)} is needed`,
      );
    }
    const { data } = tensor;
    if (!(data instanceof Float32Array || data instanceof Float64Array)) {
      throw this.#wrong(`has ${name} in whole numbers, where floating point is needed`);
    }
    if (!data.every(Number.isFinite)) {
      throw this.#wrong(`has values in ${name} that are not finite`);
    }
    this.#taken.add(name);
    return data;
  }

  /**
   * Call when the network is built.
   * @param unused what a checkpoint may hold besides, e.g. a classifier that embeddings do not need
   * @throws {CheckpointError} naming a parameter that no layer has taken
   */
  finish(unused: RegExp): void {
    const prefix = this.#prefix ?? '';
    for (const name of this.#state.keys()) {
      if (!name.startsWith(prefix)) continue;
      if (!this.#taken.has(name) && !unused.test(name.slice(prefix.length))) {
        throw this.#wrong(`has the parameter ${name}, which the network does not know`);
      }
    }
  }

  /**
   * What wrappers put before every name: `module.` of DataParallel, `_orig_mod.` of torch.compile, the
   * attribute of a network that holds this one.
   */
  #findPrefix(wanted: string): string {
    if (this.#state.has(wanted)) return '';
    const prefixes = [...this.#state.keys()]
      .filter((name) => name.endsWith(`.${wanted}`))
      .map((name) => name.slice(0, -wanted.length));
    if (prefixes.length <= 1) return prefixes[0] ?? '';
    throw new CheckpointError(
      `${this.#file} has several networks, whose names begin with ${prefixes.join(' and ')}: save one of them alone.`,
    );
  }

  #wrong(what: string): CheckpointError {
    return new CheckpointError(
      `${this.#file} ${what}. Is it the checkpoint of another network or version?`,
    );
  }
}
