/** Ids of a new person and its faces: random, or made from an Idempotency-Key, so that a repeat finds them. */
import { createHash, randomUUID } from 'node:crypto';

export interface EnrolmentIds {
  readonly person: string;
  readonly faces: readonly string[];
  /** What one more face would have: a request with more photos had the same key if somebody has it. */
  readonly next: string;
}

/**
 * @param key of the header Idempotency-Key
 * @param scope whose key it is, and what for: the same key means something else there
 */
export function enrolmentIds(
  faces: number,
  key: string | undefined,
  scope: readonly string[],
): EnrolmentIds {
  const idOf = (what: string): string =>
    key === undefined ? randomUUID() : derivedId([...scope, key, what]);
  return {
    person: idOf('person'),
    faces: Array.from({ length: faces }, (_, index) => idOf(`face ${index}`)),
    next: idOf(`face ${faces}`),
  };
}

/** Has the form of a random UUID (version 4 of RFC 9562). */
function derivedId(parts: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x40;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex', 0, 16);
  return [8, 12, 16, 20, 32]
    .map((end, index, ends) => hex.slice(ends[index - 1] ?? 0, end))
    .join('-');
}
