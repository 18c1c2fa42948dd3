/** The numbers in the first directory of a TIFF or BigTIFF, by tag. */

/** Those that tell kinds of TIFF apart. */
export const TIFF_TAGS = {
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
export function tiffTagsOf(bytes: Uint8Array): Map<number, readonly number[]> | undefined {
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
