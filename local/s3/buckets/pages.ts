/** One page of a bucket's keys: prefix, delimiter, where to go on. Pure. */
import { compareKeys, firstIndex } from '../key-order.ts';

export interface PageRequest {
  readonly prefix: string;
  /** Empty for none. */
  readonly delimiter: string;
  /** Keys and groups up to and with this one are left out. */
  readonly after: string;
  readonly most: number;
}

export interface Page {
  readonly keys: readonly string[];
  /** Common prefixes: one entry for all keys that share it up to the delimiter. */
  readonly groups: readonly string[];
  /** Where the next page goes on; undefined after the last one. */
  readonly next: string | undefined;
}

/**
 * @param sorted all keys in S3's order. Only those of the page are looked at, and a group is passed in
 * one step, so that no bucket is too large.
 */
export function pageOf(
  sorted: readonly string[],
  { prefix, delimiter, after, most }: PageRequest,
): Page {
  const keys: string[] = [];
  const groups: string[] = [];
  let last = '';
  let at = firstIndex(
    sorted,
    (key) => compareKeys(key, prefix) >= 0 && compareKeys(key, after) > 0,
  );
  while (at < sorted.length && most > 0) {
    const key = sorted[at]!;
    if (!key.startsWith(prefix)) break;
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const group = end < 0 ? undefined : key.slice(0, end + delimiter.length);
    const isGiven = group !== undefined && after !== '' && compareKeys(group, after) <= 0;
    if (!isGiven) {
      if (keys.length + groups.length === most) return { keys, groups, next: last };
      (group === undefined ? keys : groups).push(group ?? key);
      last = group ?? key;
    }
    at = group === undefined ? at + 1 : pastGroup(sorted, group, at);
  }
  return { keys, groups, next: undefined };
}

function pastGroup(sorted: readonly string[], group: string, from: number): number {
  return firstIndex(sorted, (key) => !key.startsWith(group), from);
}
