/**
 * What an ISO base media file (ISO 14496-12) holds, by its brands and, where they leave it open, by the
 * types of its items: AVIF, HEIC and videos all begin alike.
 */
import { Buffer } from 'node:buffer';

const AV1: ReadonlySet<string> = new Set(['avif', 'avis', 'av01']);
const HEVC: ReadonlySet<string> = new Set([
  ...['heic', 'heix', 'hevc', 'hevx', 'heim', 'heis', 'hevm', 'hevs', 'hvc1'],
]);
/** Brands of still images that leave their coding open. */
const STILL: ReadonlySet<string> = new Set([
  'mif1',
  'mif2',
  'mif3',
  'miaf',
  'msf1',
  'MA1A',
  'MA1B',
]);
/** The boxes before the image's description are small. */
const MOST_BOXES = 64;
const MOST_BRANDS = 64;

export type HeifKind = 'AVIF' | 'HEIC' | 'other HEIF';

/** The kind of image in the file, or undefined when it is not a HEIF image. */
export function heifKindOf(bytes: Uint8Array): HeifKind | undefined {
  const brands = brandsOf(bytes);
  const kind = kindOf(brands);
  if (kind !== undefined) return kind;
  if (!brands.some((brand) => STILL.has(brand) || AV1.has(brand))) return undefined;
  return kindOf(itemTypes(bytes)) ?? 'other HEIF';
}

function kindOf(codes: readonly string[]): HeifKind | undefined {
  const av1 = codes.some((code) => AV1.has(code));
  const hevc = codes.some((code) => HEVC.has(code));
  if (av1 === hevc) return undefined;
  return av1 ? 'AVIF' : 'HEIC';
}

/** The major brand, then the compatible ones. */
function brandsOf(bytes: Uint8Array): string[] {
  if (bytes.length < 16 || latin1(bytes, 4, 8) !== 'ftyp') return [];
  const end = Math.min(uint32(bytes, 0), bytes.length, 16 + 4 * MOST_BRANDS);
  const brands = [latin1(bytes, 8, 12)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(latin1(bytes, at, at + 4));
  return brands;
}

/** Types of the items in the file's `meta` box: `hvc1`, `av01`, `grid`, `Exif`… */
function itemTypes(bytes: Uint8Array): string[] {
  const meta = boxesOf(bytes, 0, bytes.length).find(({ type }) => type === 'meta');
  if (meta === undefined) return [];
  const info = boxesOf(bytes, meta.from + 4, meta.to).find(({ type }) => type === 'iinf');
  if (info === undefined) return [];
  const entries = info.from + (bytes[info.from] === 0 ? 6 : 8);
  return boxesOf(bytes, entries, info.to)
    .filter(({ type }) => type === 'infe')
    .map(({ from }) => {
      const at = from + (bytes[from]! < 3 ? 8 : 10);
      return latin1(bytes, at, at + 4);
    });
}

export interface Box {
  readonly type: string;
  /** Its contents: from its version, where it has one. */
  readonly from: number;
  readonly to: number;
}

/** The boxes between two places; ends where one is broken. */
export function boxesOf(bytes: Uint8Array, from: number, to: number): Box[] {
  const boxes: Box[] = [];
  for (let at = from; at + 8 <= to && boxes.length < MOST_BOXES; ) {
    const short = uint32(bytes, at);
    const long = short === 1 && at + 16 <= to;
    const size = long ? uint32(bytes, at + 8) * 2 ** 32 + uint32(bytes, at + 12) : short;
    const end = size === 0 ? to : at + size;
    const head = long ? 16 : 8;
    if (end < at + head || end > to) break;
    boxes.push({ type: latin1(bytes, at + 4, at + 8), from: at + head, to: end });
    at = end;
  }
  return boxes;
}

function uint32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at);
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.subarray(from, to)).toString('latin1');
}
