/** What bytes are that are no accepted photo, and what their sender can do about it. */
import { fileTypeFromBuffer } from 'file-type';
import { ACCEPTED_FORMATS, type Refusal, unreadImage } from './formats.ts';
import { nameBySignature } from './signatures.ts';
import { nameText } from './text.ts';

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
