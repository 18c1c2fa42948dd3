/** Latencies with weights, in logarithmic bins of 1 %: a day of 1e9 requests takes no more room than one of ten. */

const FINEST_SECONDS = 1e-3;
const RATIO = 1.01;
const LOG_RATIO = Math.log(RATIO);
const BINS = 1900; // Up to 1e-3 × 1.01^1900 s, about five years.

export class Latencies {
  readonly #bins = new Float64Array(BINS);
  #count = 0;
  #sum = 0;
  #worst = 0;

  /** @param weight requests that took so long */
  add(seconds: number, weight = 1): void {
    if (!(weight > 0)) return;
    const bin = Math.ceil(Math.log(Math.max(seconds, FINEST_SECONDS) / FINEST_SECONDS) / LOG_RATIO);
    this.#bins[Math.min(BINS - 1, bin)]! += weight;
    this.#count += weight;
    this.#sum += seconds * weight;
    if (seconds > this.#worst) this.#worst = seconds;
  }

  merge(other: Latencies): void {
    for (let bin = 0; bin < BINS; bin++) this.#bins[bin]! += other.#bins[bin]!;
    this.#count += other.#count;
    this.#sum += other.#sum;
    this.#worst = Math.max(this.#worst, other.#worst);
  }

  get count(): number {
    return this.#count;
  }
  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }
  get worst(): number {
    return this.#worst;
  }

  /** Seconds, nearest rank, too long by at most 1 %; 0 when there is none. 0 < percent <= 100. */
  percentile(percent: number): number {
    if (this.#count === 0) return 0;
    // Weights are sums of fractions: without the slack, rounding could ask for more than there is.
    let left = (percent / 100) * this.#count * (1 - 1e-9);
    for (let bin = 0; bin < BINS; bin++) {
      left -= this.#bins[bin]!;
      if (left <= 0) return Math.min(this.#worst, FINEST_SECONDS * RATIO ** bin);
    }
    return this.#worst;
  }
}
