/** Image formats that `file-type` does not know, by the bytes at fixed places of their files. */
import { Buffer } from 'node:buffer';

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
export function nameBySignature(bytes: Uint8Array): string | undefined {
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
