/** Caches the result of an asynchronous read for a while: concurrent callers share one call. */

/** @returns a function that resolves with undefined if the read failed; a failure is not cached */
export function cached<T>(
  read: () => Promise<T>,
  ttlMs: number,
  now: () => number = () => performance.now(),
): () => Promise<T | undefined> {
  let last: Promise<T | undefined> | undefined;
  let readAt = 0;
  return () => {
    if (last !== undefined && now() - readAt < ttlMs) return last;
    readAt = now();
    last = read().catch(() => {
      last = undefined;
      return undefined;
    });
    return last;
  };
}
