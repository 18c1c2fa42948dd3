/** The formats in which photos are accepted: the one list, from which messages and descriptions are made. */

interface Format {
  readonly mediaType: string;
  /** Endings of its files, lower case. */
  readonly extensions: readonly string[];
}

export const PHOTO_FORMATS = {
  JPEG: { mediaType: 'image/jpeg', extensions: ['.jpg', '.jpeg', '.jpe', '.jfif', '.mpo'] },
  PNG: { mediaType: 'image/png', extensions: ['.png', '.apng'] },
  WebP: { mediaType: 'image/webp', extensions: ['.webp'] },
  GIF: { mediaType: 'image/gif', extensions: ['.gif'] },
  TIFF: { mediaType: 'image/tiff', extensions: ['.tif', '.tiff'] },
  AVIF: { mediaType: 'image/avif', extensions: ['.avif', '.avifs'] },
  HEIC: { mediaType: 'image/heic', extensions: ['.heic', '.heif', '.hif'] },
  BMP: { mediaType: 'image/bmp', extensions: ['.bmp', '.dib'] },
} as const satisfies Record<string, Format>;

export type PhotoFormat = keyof typeof PHOTO_FORMATS;

const names = Object.keys(PHOTO_FORMATS);

/** What people may send, as one phrase for messages: `JPEG, PNG, … or BMP`. */
export const ACCEPTED_FORMATS = `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;

/** Endings of files in these formats, for picking photos from a folder. */
export const PHOTO_EXTENSIONS: ReadonlySet<string> = new Set(
  Object.values(PHOTO_FORMATS).flatMap(({ extensions }) => extensions),
);

/** Endings of other photos: in a folder they are refused by name, not passed over. */
export const OTHER_PHOTO_EXTENSIONS: ReadonlySet<string> = new Set([
  ...[
    '.jxl',
    '.jp2',
    '.j2k',
    '.jpf',
    '.jpx',
    '.jxr',
    '.psd',
    '.tga',
    '.qoi',
    '.ppm',
    '.pgm',
    '.svg',
  ],
  ...['.dng', '.cr2', '.cr3', '.nef', '.arw', '.orf', '.raf', '.rw2', '.pef', '.srw', '.raw'],
]);

/** Why a file is not taken. */
export interface Refusal {
  /** It is an image, which another program can turn into one that is accepted. */
  readonly isImage: boolean;
  /** What it is and what to do, in one sentence. */
  readonly sentence: string;
}

/** @param kind of images, in the plural, with a capital letter */
export function unreadImage(kind: string): Refusal {
  const sentence = `${kind} cannot be read: save the photo as JPEG or PNG, then send that.`;
  return { isImage: true, sentence };
}
