/** Calls that may fail or hang: each ends in time, and an outage is logged once, and its end. */
import { ElasticFaceError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';

/** A call did not answer in time; what it asked for may have happened all the same. */
export class NoAnswer extends ElasticFaceError {
  constructor(limitMs: number) {
    super('no-answer', `There was no answer within ${limitMs / 1000} seconds.`);
  }
}

/** @throws {NoAnswer} when the call takes longer; it is not ended, only not waited for */
export async function withTimeout<T>(limitMs: number, call: Promise<T>): Promise<T> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(() => limit.reject(new NoAnswer(limitMs)), limitMs);
  try {
    return await Promise.race([call, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}

export class Outages {
  readonly #log: Logger;
  readonly #away = new Set<string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** The reading, or undefined when it fails or takes longer than `limitMs`. */
  async read<T>(what: string, limitMs: number, call: () => Promise<T>): Promise<T | undefined> {
    try {
      const value = await withTimeout(limitMs, call());
      if (this.#away.delete(what)) this.#log.info(`${what} can be read again`);
      return value;
    } catch (err) {
      if (!this.#away.has(what)) this.#log.warn({ err }, `${what} cannot be read; trying on`);
      this.#away.add(what);
      return undefined;
    }
  }
}
