/** What a JPEG's headers say of it (ITU-T T.81), without decoding anything. */

export interface JpegFrame {
  /** Second byte of the frame's marker, 0xc0 to 0xcf, or 0xf7 for JPEG-LS. */
  readonly marker: number;
  /** Bits of a value. */
  readonly precision: number;
  /** Ids of its components: one is grey, three are colours, four are CMYK. */
  readonly components: readonly number[];
}

export interface JpegScan {
  readonly components: readonly number[];
  /** Which coefficients it holds, first and last. */
  readonly from: number;
  readonly to: number;
  /** Bits of them that later scans still bring. */
  readonly missingBits: number;
}

export interface JpegHeaders {
  readonly frame: JpegFrame;
  readonly scans: readonly JpegScan[];
  /** The end marker stands behind the scans. */
  readonly isEnded: boolean;
}

const SOS = 0xda;
const EOI = 0xd9;
const JPEG_LS = 0xf7;
/** Huffman tables, a reserved code, arithmetic conditioning: among the frames' codes, and none. */
const NO_FRAMES: ReadonlySet<number> = new Set([0xc4, 0xc8, 0xcc]);

/**
 * The frame and the scans of a JPEG, or undefined where there is no frame.
 * @param withScans false reads up to the first scan only, which takes no time
 */
export function jpegHeadersOf(bytes: Uint8Array, withScans = false): JpegHeaders | undefined {
  let frame: JpegFrame | undefined;
  const scans: JpegScan[] = [];
  let isEnded = false;
  for (let at = nextMarker(bytes, 2); at !== undefined; ) {
    const marker = bytes[at + 1]!;
    if (marker === EOI) {
      isEnded = true;
      break;
    }
    if (hasNoLength(marker)) {
      at = nextMarker(bytes, at + 2);
      continue;
    }
    const length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    const segment = bytes.subarray(at + 4, at + 2 + length);
    if (segment.length < length - 2 || length < 2) break;
    if (isFrame(marker)) frame ??= frameOf(marker, segment);
    if (marker === SOS) {
      if (!withScans) break;
      scans.push(scanOf(segment));
    }
    at = nextMarker(bytes, at + 2 + length);
  }
  return frame && { frame, scans, isEnded };
}

function isFrame(marker: number): boolean {
  return marker === JPEG_LS || (marker >= 0xc0 && marker <= 0xcf && !NO_FRAMES.has(marker));
}

function hasNoLength(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

/** Passes over what is between: coded data, in which 0xff is followed by 0, and fill bytes. */
function nextMarker(bytes: Uint8Array, from: number): number | undefined {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const code = bytes[at + 1];
    if (code === undefined) return undefined;
    if (code !== 0 && code !== 0xff) return at + 3 < bytes.length || code === EOI ? at : undefined;
  }
  return undefined;
}

function frameOf(marker: number, segment: Uint8Array): JpegFrame | undefined {
  const count = segment[5];
  if (count === undefined || segment.length < 6 + 3 * count) return undefined;
  const components = Array.from({ length: count }, (_, index) => segment[6 + 3 * index]!);
  return { marker, precision: segment[0]!, components };
}

function scanOf(segment: Uint8Array): JpegScan {
  const count = segment[0] ?? 0;
  const components = Array.from({ length: count }, (_, index) => segment[1 + 2 * index]!);
  const [from = 0, to = 0, bits = 0] = segment.subarray(1 + 2 * count);
  return { components, from, to, missingBits: bits & 15 };
}

/** What this kind of JPEG is called, where it is one that is hardly ever used and cannot be read. */
export function unreadJpegKind(bytes: Uint8Array): string | undefined {
  const frame = jpegHeadersOf(bytes)?.frame;
  if (frame === undefined) return undefined;
  const { marker, precision, components } = frame;
  if (marker === JPEG_LS) return 'JPEG-LS images';
  if ([0xc3, 0xc7, 0xcb, 0xcf].includes(marker)) return 'Lossless JPEGs';
  if (marker >= 0xc5 && marker <= 0xc7) return 'Hierarchical JPEGs';
  if (marker >= 0xcd) return 'Hierarchical JPEGs';
  if (precision !== 8) return `JPEGs of ${precision} bits a colour`;
  if (components.length === 2 || components.length > 4) {
    return `JPEGs of ${components.length} colour components`;
  }
  return undefined;
}
