/** A CloudWatch alarm on a metric of one-minute periods: M of M datapoints, missing ones ignored. */

export const PERIOD_SECONDS = 60;

export class Alarm {
  readonly #breaches: (value: number) => boolean;
  readonly #periods: number;
  #inARow = 0;

  /** @param periods datapoints in a row that must breach */
  constructor(periods: number, breaches: (value: number) => boolean) {
    this.#periods = periods;
    this.#breaches = breaches;
  }

  /** Takes one datapoint. @returns whether the alarm is on */
  put(value: number): boolean {
    this.#inARow = this.#breaches(value) ? this.#inARow + 1 : 0;
    return this.#inARow >= this.#periods;
  }
}
