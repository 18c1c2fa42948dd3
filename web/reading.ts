/** A reading that several ask for: one call for all of them, kept for a while. */

/** @returns undefined when the call failed; a failure is not kept */
export function shared<T>(
  read: () => Promise<T>,
  keepMs: number,
  now: () => number = () => performance.now(),
): () => Promise<T | undefined> {
  let last: Promise<T | undefined> | undefined;
  let readAt = 0;
  return () => {
    if (last !== undefined && now() - readAt < keepMs) return last;
    readAt = now();
    last = read().catch(() => {
      last = undefined;
      return undefined;
    });
    return last;
  };
}
