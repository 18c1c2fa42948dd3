/**
 * What bytes are that are no accepted photo, and what their sender can do about it: other image formats by
 * the bytes at fixed places of their files, and texts of downloads or requests that went wrong.
 */

import { Buffer } from 'node:buffer';
import { fileTypeFromBuffer } from 'file-type';
import { ACCEPTED_FORMATS, type Refusal, unreadImage } from './formats.ts';

/** Image formats by media type, in the plural. */
const IMAGES: Readonly<Record<string, string>> = {
  'image/j2c': 'JPEG 2000 images',
  'image/jp2': 'JPEG 2000 images',
  'image/jpx': 'JPEG 2000 images',
  'image/jpm': 'JPEG 2000 images',
  'image/mj2': 'JPEG 2000 films',
  'image/jxl': 'JPEG XL images',
  'image/jls': 'JPEG-LS images',
  'image/vnd.ms-photo': 'JPEG XR images',
  'image/vnd.adobe.photoshop': 'Photoshop files (PSD)',
  'image/x-icon': 'Icons (ICO)',
  'image/icns': 'Icons (ICNS)',
  'image/x-xcf': 'GIMP files (XCF)',
  'image/bpg': 'BPG images',
  'image/flif': 'FLIF images',
  'image/ktx': 'KTX textures',
  'image/vnd.dwg': 'DWG drawings',
  'image/x-canon-cr2': 'Camera raw files',
  'image/x-canon-cr3': 'Camera raw files',
  'image/x-adobe-dng': 'Camera raw files',
  'image/x-nikon-nef': 'Camera raw files',
  'image/x-sony-arw': 'Camera raw files',
  'image/x-olympus-orf': 'Camera raw files',
  'image/x-panasonic-rw2': 'Camera raw files',
  'image/x-fujifilm-raf': 'Camera raw files',
};

/** Told by a few bits, which other files have by chance. */
const WEAKLY_KNOWN: ReadonlySet<string> = new Set(['audio/mpeg', 'audio/aac']);
/** Enough for what stands before an SVG's first element. */
const HEAD_BYTES = 4096;

/** @param bytes at least one, of no accepted format */
export async function nameOther(bytes: Uint8Array): Promise<Refusal> {
  const signed = nameBySignature(bytes);
  if (signed !== undefined) return unreadImage(signed);
  const type = await fileTypeFromBuffer(bytes).catch(() => undefined);
  if (type !== undefined && IMAGES[type.mime] !== undefined) return unreadImage(IMAGES[type.mime]!);
  const text = nameText(bytes.subarray(0, HEAD_BYTES));
  if (text === 'SVG') return unreadImage('SVG drawings');
  if (text?.advice !== undefined) return notPhoto(text.what, text.advice);
  if (type !== undefined && !WEAKLY_KNOWN.has(type.mime)) return namedOther(type);
  if (bytes.every((byte) => byte === 0)) {
    return notPhoto('empty: it holds nothing but zero bytes', 'copy it again from where it came');
  }
  return notPhoto(text?.what ?? 'not a photo that can be read');
}

function namedOther({ ext, mime }: { readonly ext: string; readonly mime: string }): Refusal {
  if (mime.startsWith('video/')) {
    return notPhoto(`a video (${ext.toUpperCase()}), not a photo`, 'send a still photo from it');
  }
  if (mime === 'application/pdf') {
    return notPhoto(
      'a PDF document, not a photo',
      'export its page or photo as JPEG, then send that',
    );
  }
  if (/zip|tar|rar|7z|compressed|x-xz|bzip2/.test(mime)) {
    return notPhoto(
      `an archive (${ext.toUpperCase()}), not a photo`,
      'unpack it, then send its photos',
    );
  }
  const kind = mime.startsWith('audio/') ? 'a sound file' : 'a file';
  return notPhoto(`${kind} of the type ${ext.toUpperCase()}, not a photo`);
}

function notPhoto(what: string, advice = `send ${ACCEPTED_FORMATS}`): Refusal {
  return { isImage: false, sentence: `The file is ${what}: ${advice}.` };
}

/** Latin-1: a letter is a byte. */
const SIGNATURES: readonly [at: number, bytes: string, images: string][] = [
  [0, 'qoif', 'QOI images'],
  [0, 'PF\n', 'PFM images'],
  [0, 'Pf\n', 'PFM images'],
  [0, 'DDS ', 'DDS textures'],
  [0, 'BLP', 'BLP textures'],
  [0, 'FTEX', 'FTEX textures'],
  [0, '%!PS', 'PostScript files (EPS)'],
  [0, '\xc5\xd0\xd3\xc6', 'PostScript files (EPS)'],
  [0, '\xd7\xcd\xc6\x9a', 'Windows metafiles (WMF)'],
  [40, ' EMF', 'Windows metafiles (EMF)'],
  [0, '\x01\xda\0\x01', 'SGI images'],
  [0, '\x01\xda\x01\x01', 'SGI images'],
  [0, '\x01\xda\0\x02', 'SGI images'],
  [0, '\x01\xda\x01\x02', 'SGI images'],
  [0, '\x0a\x05\x01\x08', 'PCX images'],
  [0, '\x0a\x05\x01\x01', 'PCX images'],
  [0, '\x0a\x02\x01\x01', 'PCX images'],
  [0, '\x0a\x03\x01\x01', 'PCX images'],
  [0, '\xb1\x68\xde\x3a', 'PCX images (DCX)'],
  [0, '\x59\xa6\x6a\x95', 'Sun raster images'],
  [0, 'v/1\x01', 'OpenEXR images'],
  [0, '#?RADIANCE', 'Radiance images (HDR)'],
  [0, '#?RGBE', 'Radiance images (HDR)'],
  [0, 'SIMPLE  =', 'FITS images'],
  [4, '\x11\xaf', 'FLIC animations'],
  [4, '\x12\xaf', 'FLIC animations'],
  [0, '\x8aMNG', 'MNG animations'],
  [0, '\x8bJNG', 'JNG images'],
  [128, 'DICM', 'DICOM images'],
  [2048, 'PCD_IPI', 'Photo CD images'],
  [0, '\xd0\xcf\x11\xe0', 'Microsoft compound files (FlashPix, MIC, DOC)'],
  [0, 'BM', 'BMPs with an unknown header'],
  [0, '/* XPM */', 'XPM images'],
];
const TARGA_FOOTER = 'TRUEVISION-XFILE.\0';
const TARGA_KINDS: ReadonlySet<number> = new Set([1, 2, 3, 9, 10, 11]);
const TARGA_BITS: ReadonlySet<number> = new Set([8, 15, 16, 24, 32]);
const TARGA_HEADER = 18;

/** In the plural; undefined for every other file. */
function nameBySignature(bytes: Uint8Array): string | undefined {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = SIGNATURES.find(([at, signature]) => {
    return file.toString('latin1', at, at + signature.length) === signature;
  });
  if (found !== undefined) return found[2];
  if (/^P[1-7][\s#]/.test(file.toString('latin1', 0, 3))) return 'PNM images (PBM, PGM, PPM)';
  if (/^#define \S+_width \d/.test(file.toString('latin1', 0, 200))) return 'XBM images';
  if (isCursor(file)) return 'Cursors (CUR)';
  return isTarga(file) ? 'Targa images (TGA)' : undefined;
}

function isCursor(file: Buffer): boolean {
  return file.length > 22 && file.readUInt32LE(0) === 0x20000 && file.readUInt16LE(4) > 0;
}

/** Newer ones say so at their end; others have nothing but a header whose numbers make sense together. */
function isTarga(file: Buffer): boolean {
  if (file.toString('latin1', file.length - TARGA_FOOTER.length) === TARGA_FOOTER) return true;
  if (file.length < TARGA_HEADER) return false;
  const [, hasPalette, kind] = file;
  const paletted = kind === 1 || kind === 9;
  return (
    hasPalette === (paletted ? 1 : 0) &&
    TARGA_KINDS.has(kind!) &&
    file.readUInt16LE(12) > 0 &&
    file.readUInt16LE(14) > 0 &&
    TARGA_BITS.has(file[16]!) &&
    (file[17]! & 0xc0) === 0
  );
}

export interface NamedText {
  readonly what: string;
  readonly advice?: string;
}

const WEB_PAGE: NamedText = {
  what: 'a web page (HTML), not a photo',
  advice: 'download the photo itself, then send it',
};
const BYTES_ORDER_MARK = '\ufeff';

/** @param head the first bytes of a file; undefined when they are no text */
function nameText(head: Uint8Array): NamedText | 'SVG' | undefined {
  const text = decode(head)?.trimStart();
  if (text === undefined) return undefined;
  const element = firstElement(text);
  if (/^<svg\b/i.test(element)) return 'SVG';
  if (/^<(?:!doctype html|html|head|body|title|meta|script)\b/i.test(element)) return WEB_PAGE;
  if (text.startsWith('<?xml')) {
    return { what: 'an XML document, not a photo', advice: 'send the photo itself' };
  }
  if (text.startsWith('data:')) {
    return {
      what: 'a photo written as text (a data URL)',
      advice: 'decode it, then send the bytes',
    };
  }
  if (/^(?:\/9j\/|iVBORw0KGgo|R0lGOD|UklGR)/.test(text)) {
    return { what: 'a photo written as text (base64)', advice: 'decode it, then send the bytes' };
  }
  if (/^[[{]\s*["{[\]}\d-]/.test(text)) {
    return { what: 'JSON, not a photo', advice: 'send the bytes of the photo itself' };
  }
  return { what: 'a text, not a photo' };
}

function decode(head: Uint8Array): string | undefined {
  const bytes = Buffer.from(head);
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.subarray(2).toString('utf16le');
  // The last letter may be cut.
  const text = bytes.toString('utf8').replace(BYTES_ORDER_MARK, '');
  const strange = [...text.slice(0, -4)].some((letter) => letter === '\ufffd' || isControl(letter));
  return strange ? undefined : text;
}

function isControl(letter: string): boolean {
  const code = letter.charCodeAt(0);
  return code < 0x20 && !(code >= 0x09 && code <= 0x0d) && code !== 0x1b;
}

/** Behind declarations and comments. An SVG may have many of them before it. */
function firstElement(text: string): string {
  let left = text;
  for (;;) {
    const end = /^<\?/.test(left) ? '?>' : left.startsWith('<!--') ? '-->' : undefined;
    const isDoctype = /^<!doctype svg/i.test(left);
    if (end === undefined && !isDoctype) return left;
    const at = left.indexOf(end ?? '>');
    if (at < 0) return '';
    left = left.slice(at + (end ?? '>').length).trimStart();
  }
}
