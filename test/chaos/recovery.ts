/**
 * How soon honest clients were served as before after faults. Faults whose times touch are one storm; a
 * storm of one fault counts for its kind. Pure.
 */
import type { Upload } from './ledger.ts';

export interface FaultTime {
  /** Row of the report. */
  readonly row: string;
  /** ms of the uploads' clock; the same for a fault that happens at once. */
  readonly from: number;
  readonly to: number;
}

export interface Recovery {
  /** `storm` for several faults. */
  readonly row: string;
  /** When the last fault was over. */
  readonly from: number;
  /** ms until p95 was back; undefined when it was not within the time that was left or allowed. */
  readonly ms: number | undefined;
}

export interface Recoveries {
  /** p95 without faults, in ms; undefined when too few uploads were answered then. */
  readonly before: number | undefined;
  readonly all: readonly Recovery[];
  readonly breaches: readonly string[];
}

type Answered = Pick<Upload, 'from' | 'to' | 'told' | 'expected' | 'isBurst'>;

/** p95 may be this many times what it was without faults. */
const TIMES = 1.5;
/** Below this much more, one slow answer of a handful is noise. */
const NOISE_MS = 500;
const LIMIT_MS = 30_000;
/** p95 is taken over the uploads that were begun within this. */
const WINDOW_MS = 5000;
const STEP_MS = 500;
/** Fewer show nothing. */
const FEWEST = 8;

/**
 * @param calmFrom from then until the first fault is the time without faults
 * @param until the load's end
 */
export function recoveries(
  uploads: readonly Answered[],
  faults: readonly FaultTime[],
  { calmFrom, until }: { calmFrom: number; until: number },
): Recoveries {
  const honest = uploads.filter(({ isBurst }) => !isBurst);
  const storms = stormsOf(faults);
  const calmTo = storms[0]?.from ?? until;
  // Those that were under way when the first fault came are not without faults.
  const calm = honest.filter(({ to = Infinity }) => to <= calmTo);
  const before = p95(calm, calmFrom, calmTo);
  if (before === undefined) return { before, all: [], breaches: [] };
  const limit = Math.max(TIMES * before, before + NOISE_MS);
  const breaches: string[] = [];
  const all = storms.flatMap(({ row, to }, index): Recovery[] => {
    const end = Math.min(storms[index + 1]?.from ?? until, until);
    for (let at = to; at <= to + LIMIT_MS && at + WINDOW_MS <= end; at += STEP_MS) {
      const now = p95(honest, at, at + WINDOW_MS);
      if (now !== undefined && now <= limit) return [{ row, from: to, ms: at - to }];
    }
    if (to + LIMIT_MS + WINDOW_MS > end) return [];
    const now = p95(honest, to + LIMIT_MS, to + LIMIT_MS + WINDOW_MS);
    const words = now === undefined ? 'too few answers' : `${now.toFixed(0)} ms`;
    breaches.push(
      `p95 was not back to ${limit.toFixed(0)} ms within ${LIMIT_MS / 1000} s of ${row}: ${words}`,
    );
    return [{ row, from: to, ms: undefined }];
  });
  return { before, all, breaches };
}

function stormsOf(faults: readonly FaultTime[]): FaultTime[] {
  const storms: { row: string; from: number; to: number }[] = [];
  for (const { row, from, to } of faults.toSorted((a, b) => a.from - b.from)) {
    const last = storms.at(-1);
    if (last === undefined || from > last.to + WINDOW_MS) storms.push({ row, from, to });
    else {
      last.row = 'storm';
      last.to = Math.max(last.to, to);
    }
  }
  return storms;
}

/** Of honest uploads begun in [from, to): an error takes for ever. Undefined when there are too few. */
function p95(uploads: readonly Answered[], from: number, to: number): number | undefined {
  const times = uploads
    .filter((upload) => upload.from >= from && upload.from < to)
    .map((upload) => (isServed(upload) ? (upload.to ?? Infinity) - upload.from : Infinity))
    .sort((a, b) => a - b);
  return times.length < FEWEST ? undefined : times[Math.ceil(times.length * 0.95) - 1];
}

function isServed({ told, expected }: Answered): boolean {
  // A photo that kills workers is answered late, and with an error, by design.
  if (expected.kind === 'poison') return true;
  return told?.kind === 'answer' && told.status < 500;
}
