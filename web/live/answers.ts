/** Counts the photos that this node answers per second, and measures their times over the last minute. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { HISTORY_POINTS } from '../../cloud/redis/scaler-status.ts';

const WINDOW_SECONDS = 60;
/** Parts of the window, which expire one after the other. */
const WINDOW_PARTS = 12;
const PART_SECONDS = WINDOW_SECONDS / WINDOW_PARTS;
/** Milliseconds, to two figures; a longer time counts as this. */
const LONGEST_MS = 3_600_000;
const TIMES = { lowest: 1, highest: LONGEST_MS, figures: 2 };
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
  readonly #parts: { part: number; times: RecordableHistogram }[] = Array.from(
    { length: WINDOW_PARTS },
    () => ({ part: -1, times: createHistogram(TIMES) }),
  );

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
    const part = Math.floor(second / PART_SECONDS);
    const current = this.#parts[part % WINDOW_PARTS]!;
    if (current.part !== part) current.times.reset();
    current.part = part;
    const ms = Math.min(Math.max(Math.round(seconds * 1000), 1), LONGEST_MS);
    for (let photo = 0; photo < photos; photo++) current.times.record(ms);
  }

  /** Photos answered in the last whole second before `now` (ms since 1970), which is of the last ten minutes. */
  before(now: number): number {
    const second = Math.floor(now / 1000) - 1;
    const slot = second % SECONDS_KEPT;
    return this.#seconds[slot] === second ? (this.#counts[slot] ?? 0) : 0;
  }

  rates(now = Date.now()): AnswerRates {
    let count = 0;
    for (let ago = 0; ago < WINDOW_SECONDS; ago++) count += this.before(now - 1000 * ago);
    if (count === 0) return { perSecond: 0, p50: null, p95: null };
    const newest = Math.floor(now / 1000 / PART_SECONDS);
    const times = createHistogram(TIMES);
    for (const one of this.#parts) {
      if (one.part > newest - WINDOW_PARTS && one.part <= newest) times.add(one.times);
    }
    const seconds = (percent: number) =>
      times.count > 0 ? times.percentile(percent) / 1000 : null;
    return { perSecond: count / WINDOW_SECONDS, p50: seconds(50), p95: seconds(95) };
  }
}
