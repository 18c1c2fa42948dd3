/** Counts the photos that this node answers per second, and measures their times over the last minute. */
import { Registry, Summary } from '@prometheus-io/client';
import { HISTORY_POINTS } from '../../cloud/redis/scaler-status.ts';

const WINDOW_SECONDS = 60;
/** Parts of the window, which expire one after the other. */
const WINDOW_PARTS = 12;
/** The seconds of a history, and the current one. */
const SECONDS_KEPT = HISTORY_POINTS + 1;

export interface AnswerRates {
  readonly perSecond: number;
  /** Seconds; null without any answer. */
  readonly p50: number | null;
  readonly p95: number | null;
}

export class Answers {
  readonly #counts = new Uint32Array(SECONDS_KEPT);
  /** The second of each count. */
  readonly #seconds = new Float64Array(SECONDS_KEPT);
  readonly #latency = new Summary<'quantile'>({
    name: 'latency_seconds',
    help: 'Of this page alone: /metrics has a histogram, which Prometheus can add up over nodes.',
    percentiles: [0.5, 0.95],
    maxAgeSeconds: WINDOW_SECONDS,
    ageBuckets: WINDOW_PARTS,
    registers: [new Registry()],
  });

  /**
   * @param photos that were answered together
   * @param now ms since 1970
   */
  note(seconds: number, photos = 1, now = Date.now()): void {
    const second = Math.floor(now / 1000);
    const slot = second % SECONDS_KEPT;
    if (this.#seconds[slot] !== second) this.#counts[slot] = 0;
    this.#seconds[slot] = second;
    this.#counts[slot] = (this.#counts[slot] ?? 0) + photos;
    for (let photo = 0; photo < photos; photo++) this.#latency.observe(seconds);
  }

  /** Photos answered in the last whole second before `now` (ms since 1970), which is of the last ten minutes. */
  before(now: number): number {
    const second = Math.floor(now / 1000) - 1;
    const slot = second % SECONDS_KEPT;
    return this.#seconds[slot] === second ? (this.#counts[slot] ?? 0) : 0;
  }

  async rates(now = Date.now()): Promise<AnswerRates> {
    let count = 0;
    for (let ago = 0; ago < WINDOW_SECONDS; ago++) count += this.before(now - 1000 * ago);
    if (count === 0) return { perSecond: 0, p50: null, p95: null };
    const { values } = await this.#latency.get();
    const percentile = (share: number): number | null =>
      values.find(({ labels }) => labels.quantile === share)?.value || null;
    return { perSecond: count / WINDOW_SECONDS, p50: percentile(0.5), p95: percentile(0.95) };
  }
}
