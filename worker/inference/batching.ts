/** Which of the waiting tasks go to the inference process now, and how many in one batch. Pure. */

/** One batch is computed while the next one is ready in the process. */
const MOST_WORKS = 2;

interface Candidate {
  readonly suspect: boolean;
  /** Whether it is computed by itself: only photos share a call of the model. */
  readonly alone?: boolean;
}

/**
 * A suspect, one of those in work when a process ended, is computed with nothing else in the process:
 * should it end again, it is clear whose doing it was.
 * @param waiting in their order
 * @param inWork what the process has already
 * @param most photos in one work; nobody waits for them to come together
 * @returns how many of the first waiting ones to hand over together; 0 to wait
 */
export function nextBatch(
  waiting: readonly Candidate[],
  inWork: readonly (readonly Candidate[])[],
  most: number,
): number {
  const [first] = waiting;
  if (first === undefined || inWork.length >= MOST_WORKS) return 0;
  if (first.suspect) return inWork.length === 0 ? 1 : 0;
  if (inWork.flat().some(({ suspect }) => suspect)) return 0;
  if (first.alone) return 1;
  const next = waiting.slice(0, most).findIndex(({ suspect, alone }) => suspect || alone);
  return next < 0 ? Math.min(waiting.length, most) : next;
}
