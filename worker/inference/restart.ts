/** When to start the next inference process, and when to give up. Pure. */

const FIRST_DELAY_MS = 250;
const MOST_DELAY_MS = 5000;
/** Failed starts in a row: with the delays between them, about 4 s. */
const MOST_FAILED_STARTS = 5;

/**
 * @param failedStarts how many processes in a row ended without having been given a photo
 * @returns ms to wait before the next one; undefined to give up
 */
export function restartDelay(failedStarts: number): number | undefined {
  if (failedStarts === 0) return 0;
  if (failedStarts >= MOST_FAILED_STARTS) return undefined;
  return Math.min(FIRST_DELAY_MS * 2 ** (failedStarts - 1), MOST_DELAY_MS);
}
