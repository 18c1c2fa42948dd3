/**
 * The counts of a run: what was answered, right, wrong or failed, and why, and how long answers took.
 * Bounded in memory: reasons are grouped, and of each group only the first few files are kept.
 */
import type { ImageFile, Verdict } from './photos.ts';

/** Groups of failures kept apart, and files named in each. */
const MOST_GROUPS = 20;
const MOST_FILES = 3;

export interface FailureGroup {
  /** `HTTP 422`, `connection`, `timeout` or `wrong answer`. */
  readonly kind: string;
  /** What the server, or the connection, said; for a wrong answer what was expected. */
  readonly sentence: string;
  count: number;
  /** The first few files it happened to. */
  readonly files: string[];
}

/** A finished run as plain data: what `--json` prints. Milliseconds, and requests per second. */
export interface RunSummary {
  readonly requests: number;
  readonly successful: number;
  readonly failed: number;
  /** Null when no prediction file said what is right. */
  readonly correct: number | null;
  readonly wrong: number;
  readonly retries: number;
  readonly durationMs: number;
  readonly throughput: number;
  readonly latencyMs: LatencySummary | null;
  readonly failures: readonly FailureGroup[];
  /** Failures whose reasons were too many to list. */
  readonly unlisted: number;
  /** Everything asked for was answered, and nothing wrong. */
  readonly passed: boolean;
}

export class Tally {
  readonly requests: number;
  readonly #judged: boolean;
  readonly #latencies: number[] = [];
  readonly #groups = new Map<string, FailureGroup>();
  #failed = 0;
  #correct = 0;
  #wrong = 0;
  #retries = 0;
  #unlisted = 0;
  durationMs = 0;

  /** `judged`: whether right names are known. */
  constructor(requests: number, judged: boolean) {
    this.requests = requests;
    this.#judged = judged;
  }

  /** Requests that are over, one way or another. */
  get done(): number {
    return this.#latencies.length + this.#failed;
  }

  /** Requests that were not answered, or wrongly. */
  get bad(): number {
    return this.#failed + this.#wrong;
  }

  answered(image: ImageFile, latencyMs: number, verdict: Verdict): void {
    this.#latencies.push(latencyMs);
    if (verdict.verdict === 'correct') this.#correct += 1;
    if (verdict.verdict !== 'wrong') return;
    this.#wrong += 1;
    this.#note(image, 'wrong answer', verdict.why);
  }

  failed(image: ImageFile, kind: string, sentence: string): void {
    this.#failed += 1;
    this.#note(image, kind, sentence);
  }

  retried(): void {
    this.#retries += 1;
  }

  summary(): RunSummary {
    const successful = this.#latencies.length;
    return {
      requests: this.requests,
      successful,
      failed: this.#failed,
      correct: this.#judged ? this.#correct : null,
      wrong: this.#wrong,
      retries: this.#retries,
      durationMs: this.durationMs,
      throughput: this.durationMs > 0 ? (successful * 1000) / this.durationMs : 0,
      latencyMs: summarizeLatencies(this.#latencies) ?? null,
      failures: [...this.#groups.values()].sort((a, b) => b.count - a.count),
      unlisted: this.#unlisted,
      passed: successful === this.requests && this.#wrong === 0,
    };
  }

  #note(image: ImageFile, kind: string, sentence: string): void {
    const key = `${kind}\n${sentence}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      if (this.#groups.size >= MOST_GROUPS) {
        this.#unlisted += 1;
        return;
      }
      group = { kind, sentence, count: 0, files: [] };
      this.#groups.set(key, group);
    }
    group.count += 1;
    if (group.files.length < MOST_FILES && !group.files.includes(image.name)) {
      group.files.push(image.name);
    }
  }
}

/** ms; percentiles by nearest rank. */
export interface LatencySummary {
  readonly min: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/**
 * Nearest-rank percentile: the least value that at least `percent` of all are not above.
 * `sorted` ascends and is not empty; 0 < percent <= 100.
 */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  const rank = Math.ceil((percent / 100) * sorted.length);
  return sorted[Math.min(sorted.length, Math.max(1, rank)) - 1]!;
}

/** In the unit of the input; undefined when there is none. */
export function summarizeLatencies(latencies: readonly number[]): LatencySummary | undefined {
  if (latencies.length === 0) return undefined;
  const sorted = Float64Array.from(latencies).sort();
  return {
    min: sorted[0]!,
    p50: percentile(sorted, 50),
    p90: percentile(sorted, 90),
    p95: percentile(sorted, 95),
    p99: percentile(sorted, 99),
    max: sorted.at(-1)!,
  };
}
