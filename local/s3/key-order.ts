/**
 * S3's order of keys, by their UTF-8 bytes, a map that keeps it, and one page of a list in it. Knows nothing
 * about objects.
 */

/** Compares as the UTF-8 bytes of both would; both are well-formed. */
export function compareKeys(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const one = a.charCodeAt(i);
    const other = b.charCodeAt(i);
    if (one !== other) return rank(one) - rank(other);
  }
  return a.length - b.length;
}

/** UTF-16 puts surrogates below U+E000 to U+FFFF; what they stand for is above. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** A map whose keys can be walked in S3's order from any of them, however large it is. */
export class OrderedMap<T> extends Map<string, T> {
  /** Sorted at the first listing, and kept sorted from there on. */
  private order: string[] | undefined;

  override set(key: string, value: T): this {
    if (this.order !== undefined && !this.has(key)) this.order.splice(this.indexOf(key), 0, key);
    return super.set(key, value);
  }

  override delete(key: string): boolean {
    if (this.order !== undefined && this.has(key)) this.order.splice(this.indexOf(key), 1);
    return super.delete(key);
  }

  override clear(): void {
    this.order = undefined;
    super.clear();
  }

  /** All keys in order; not to be changed. */
  ordered(): readonly string[] {
    this.order ??= [...this.keys()].sort(compareKeys);
    return this.order;
  }

  /** Where a key is or would be. */
  indexOf(key: string): number {
    return firstIndex(this.ordered(), (one) => compareKeys(one, key) >= 0);
  }
}

/** Of a sorted list, the first index from `from` on where `isReached` holds; it holds for all after it. */
function firstIndex(
  sorted: readonly string[],
  isReached: (key: string) => boolean,
  from = 0,
): number {
  let low = from;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isReached(sorted[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}

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
