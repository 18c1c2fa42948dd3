/**
 * What the first image of a TIFF is (TIFF 6.0, BigTIFF), by its tags alone. A TIFF may hold nearly anything:
 * kinds that the decoder cannot read are named here, so that a whole file is never called damaged, nor a kind
 * that it misreads shown in wrong colours.
 */

/** Those that tell kinds of TIFF apart. */
const TIFF_TAGS = {
  subfile: 254,
  bits: 258,
  compression: 259,
  photometric: 262,
  samples: 277,
  planar: 284,
  tiled: 322,
  sampleFormat: 339,
  dng: 50706,
} as const;

const MOST_TAGS = 512;
/** A value a colour; more of them say nothing new. */
const MOST_VALUES = 16;
/** Bytes of a number of each type: BYTE, SHORT, LONG, and BigTIFF's LONG8. */
const SIZES: Readonly<Record<number, 1 | 2 | 4 | 8>> = { 1: 1, 3: 2, 4: 4, 16: 8 };

const WANTED: ReadonlySet<number> = new Set(Object.values(TIFF_TAGS));

/** Undefined when the bytes are no TIFF, or it is cut within its directory. */
function tiffTagsOf(bytes: Uint8Array): Map<number, readonly number[]> | undefined {
  try {
    return readTags(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function readTags(view: DataView): Map<number, readonly number[]> | undefined {
  const order = view.getUint16(0);
  if (order !== 0x4949 && order !== 0x4d4d) return undefined;
  const little = order === 0x4949;
  const number = (at: number, size: 1 | 2 | 4 | 8): number => {
    if (size === 1) return view.getUint8(at);
    if (size === 2) return view.getUint16(at, little);
    if (size === 4) return view.getUint32(at, little);
    return Number(view.getBigUint64(at, little));
  };
  const isBig = number(2, 2) === 43;
  const word = isBig ? 8 : 4;
  const directory = isBig ? number(8, 8) : number(4, 4);
  const count = Math.min(number(directory, isBig ? 8 : 2), MOST_TAGS);
  const tags = new Map<number, readonly number[]>();
  for (let entry = 0; entry < count; entry++) {
    const at = directory + (isBig ? 8 : 2) + entry * (4 + 2 * word);
    const tag = number(at, 2);
    const size = SIZES[number(at + 2, 2)];
    if (!WANTED.has(tag) || size === undefined) continue;
    const values = Math.min(number(at + 4, word), MOST_VALUES);
    const inline = number(at + 4, word) * size <= word;
    const from = inline ? at + 4 + word : number(at + 4 + word, word);
    tags.set(
      tag,
      Array.from({ length: values }, (_, index) => number(from + index * size, size)),
    );
  }
  return tags;
}

const { subfile, bits, compression, photometric, samples, planar, tiled, sampleFormat, dng } =
  TIFF_TAGS;

const JPEG = 7;
/** None, CCITT (three), LZW, JPEG, deflate (twice), PackBits, and others that libtiff reads by itself. */
const READ: ReadonlySet<number> = new Set([
  ...[1, 2, 3, 4, 5, JPEG, 8, 32766, 32771, 32773, 32809, 32946, 34676, 34677, 50001],
]);
const COMPRESSIONS: Readonly<Record<number, string>> = {
  6: 'old-style JPEG',
  9: 'JBIG',
  10: 'JBIG',
  32909: 'PixarLog',
  33003: 'JPEG 2000',
  33005: 'JPEG 2000',
  34661: 'JBIG',
  34712: 'JPEG 2000',
  34887: 'LERC',
  34892: 'lossy JPEG',
  34925: 'LZMA',
  50000: 'Zstandard',
  50002: 'JPEG XL',
  52546: 'JPEG XL',
};

const YCBCR = 6;
const CIELAB = 8;
const PHOTOMETRICS: Readonly<Record<number, string>> = {
  9: 'ICC L*a*b* colours',
  10: 'ITU L*a*b* colours',
  32803: 'camera raw data',
  34892: 'camera raw data',
};
const CMYK = 5;
const REDUCED_COPY = 1;
const SEPARATE_PLANES = 2;
const SIGNED = 2;
const COMPLEX: ReadonlySet<number> = new Set([5, 6]);
const BITS: ReadonlySet<number> = new Set([1, 2, 4, 8, 16, 32, 64]);

/** What this kind of TIFF is called, where it is one that cannot be read. */
export function unreadTiffKind(bytes: Uint8Array): string | undefined {
  // Canon's signature, between the header and the directory.
  if (bytes[8] === 0x43 && bytes[9] === 0x52) return 'Camera raw files';
  const tags = tiffTagsOf(bytes);
  if (tags === undefined) return undefined;
  if (tags.has(dng)) return 'Camera raw files';
  const one = (tag: number, otherwise: number): number => tags.get(tag)?.[0] ?? otherwise;
  // The photo itself lies behind a small copy, in a form of the camera's own (NEF, ARW and others).
  if (one(subfile, 0) === REDUCED_COPY) return 'Camera raw files';
  const scheme = one(compression, 1);
  if (!READ.has(scheme)) {
    return `TIFFs compressed with ${COMPRESSIONS[scheme] ?? `scheme ${scheme}`}`;
  }
  const meaning = one(photometric, -1);
  if (meaning < 0) return 'TIFFs without the tag PhotometricInterpretation';
  if (PHOTOMETRICS[meaning] !== undefined) return `TIFFs of ${PHOTOMETRICS[meaning]}`;
  if (meaning === YCBCR && scheme !== JPEG) return 'TIFFs of YCbCr colours without JPEG';
  const depths = tags.get(bits) ?? [1];
  const depth = depths[0]!;
  if (meaning === CIELAB && depth === 8) return 'TIFFs of L*a*b* colours with 8 bits';
  if (!BITS.has(depth) || depths.some((other) => other !== depth)) {
    return `TIFFs of ${[...new Set(depths)].join(' and ')} bits a colour`;
  }
  const format = one(sampleFormat, 1);
  if (format === SIGNED && depth === 8) return 'TIFFs of signed bytes';
  if (COMPLEX.has(format)) return 'TIFFs of complex numbers';
  if (tags.has(tiled) && one(planar, 1) === SEPARATE_PLANES && one(samples, 1) > 1) {
    return 'TIFFs with tiles of a single colour each';
  }
  return undefined;
}

/** Bits of each value of a CMYK TIFF; undefined for every other. */
export function cmykBitsOf(bytes: Uint8Array): number | undefined {
  const tags = tiffTagsOf(bytes);
  return tags?.get(photometric)?.[0] === CMYK ? tags.get(bits)?.[0] : undefined;
}
