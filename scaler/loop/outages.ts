/** Calls that may fail or hang: each has a time limit, and each outage is logged once when it starts and once when it ends. */
import { errorClass } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';

/** A call did not answer in time; what it asked for may have happened anyway. */
export class NoAnswer extends errorClass('no-answer') {
  constructor(limitMs: number) {
    super(`No answer within ${limitMs / 1000} seconds.`);
  }
}

/** @throws {NoAnswer} when the call takes longer; the call itself goes on */
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
      if (this.#away.delete(what)) this.#log.info(`Can read ${what} again`);
      return value;
    } catch (err) {
      if (!this.#away.has(what)) this.#log.warn({ err }, `Cannot read ${what}; retrying`);
      this.#away.add(what);
      return undefined;
    }
  }
}
