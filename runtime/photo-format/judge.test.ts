/** Photos are told by their bytes; every other file is refused by what it is, with what to do. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { judgePhoto, photoFormatOf } from './judge.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

function box(type: string, ...contents: (Buffer | string)[]): Buffer {
  const body = Buffer.concat(
    contents.map((part) => (typeof part === 'string' ? latin1(part) : part)),
  );
  const size = Buffer.alloc(4);
  size.writeUInt32BE(body.length + 8);
  return Buffer.concat([size, latin1(type), body]);
}

const media = (major: string, ...compatible: string[]): Buffer =>
  Buffer.concat([box('ftyp', major, '\0\0\0\0', ...compatible), box('mdat', 'and so on')]);

/** A HEIF whose brands leave its coding open. */
const heifOf = (brand: string, item: string): Buffer =>
  Buffer.concat([
    box('ftyp', brand, '\0\0\0\0', 'mif1', 'miaf'),
    box(
      'meta',
      hex('00000000'),
      box('iinf', hex('00000000 0001'), box('infe', hex('02000000 0001 0000'), item, '\0')),
    ),
  ]);

for (const [bytes, format] of [
  [hex('ffd8ffe000104a464946'), 'JPEG'],
  [hex('89504e470d0a1a0a0000000d'), 'PNG'],
  [latin1('RIFF\x24\0\0\0WEBPVP8 '), 'WebP'],
  [latin1('GIF87a\x01\0\x01\0'), 'GIF'],
  [latin1('GIF89a\x01\0\x01\0'), 'GIF'],
  [latin1('II*\0\x08\0\0\0'), 'TIFF'],
  [latin1('MM\0*\0\0\0\x08'), 'TIFF'],
  [latin1('II+\0\x08\0\0\0'), 'TIFF'],
  [latin1('MM\0+\0\x08\0\0'), 'TIFF'],
  [latin1('BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\0\0\0\0\0\0\0\0'), 'BMP'],
  [media('avif', 'mif1', 'miaf'), 'AVIF'],
  [media('mif1', 'avif', 'miaf'), 'AVIF'],
  [media('miaf', 'mif1', 'avif'), 'AVIF'],
  [media('avis', 'msf1', 'iso8'), 'AVIF'],
  [heifOf('mif1', 'av01'), 'AVIF'],
  [media('heic', 'mif1', 'heic'), 'HEIC'],
  [media('mif1', 'heic', 'miaf'), 'HEIC'],
  [media('heix', 'mif1'), 'HEIC'],
  [media('hevc', 'msf1'), 'HEIC'],
  [heifOf('mif1', 'hvc1'), 'HEIC'],
  [heifOf('mif1', 'jpeg'), undefined],
  [media('isom', 'mp41'), undefined],
  [latin1('RIFF\x24\0\0\0WAVEfmt '), undefined],
  [latin1('BM no bitmap at all, but a text'), undefined],
  [hex('ffd8'), undefined],
  [Buffer.alloc(0), undefined],
] as const) {
  const start = JSON.stringify(bytes.toString('latin1').slice(0, 20));
  test(`bytes that begin with ${start} are ${format ?? 'no accepted photo'}`, () => {
    assert.equal(photoFormatOf(bytes), format);
  });
}

const READABLE = 'JPEG, PNG, WebP, GIF, TIFF, AVIF, HEIC or BMP';
const SAVE = 'cannot be read: save the photo as JPEG or PNG, then send that.';
const targa = Buffer.alloc(18 + 12);
targa.set([0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2, 0, 24, 0]);

const refused: [what: string, bytes: Buffer, sentence: string][] = [
  [
    'JPEG 2000',
    hex('0000000c6a5020200d0a870a 00000014 66747970 6a703220'),
    `JPEG 2000 images ${SAVE}`,
  ],
  ['a JPEG 2000 codestream', hex('ff4fff51002f0000'), `JPEG 2000 images ${SAVE}`],
  ['JPEG XL', hex('ff0a7a0f'), `JPEG XL images ${SAVE}`],
  ['JPEG XL in a container', hex('0000000c4a584c200d0a870a'), `JPEG XL images ${SAVE}`],
  ['JPEG XR', hex('4949bc0120000000'), `JPEG XR images ${SAVE}`],
  ['JPEG-LS', hex('ffd8fff7000b08000100010101110 0'.replace(' ', '')), `JPEG-LS images ${SAVE}`],
  ['an icon', hex('00000100010010100000010020006804000016000000'), `Icons (ICO) ${SAVE}`],
  ['a cursor', hex('000002000100202000000000000030010000160000002800'), `Cursors (CUR) ${SAVE}`],
  ['a Photoshop file', latin1('8BPS\0\x01\0\0\0\0\0\0\0\x03'), `Photoshop files (PSD) ${SAVE}`],
  ['PNM', latin1('P6\n2 2\n255\n123456789012'), `PNM images (PBM, PGM, PPM) ${SAVE}`],
  ['QOI', latin1('qoif\0\0\0\x02\0\0\0\x02\x03\0'), `QOI images ${SAVE}`],
  ['Targa', targa, `Targa images (TGA) ${SAVE}`],
  ['a raw photo of Canon', latin1('II*\0\x10\0\0\0CR\x02\0'), `Camera raw files ${SAVE}`],
  ['a raw photo of Fujifilm', latin1('FUJIFILMCCD-RAW 0201'), `Camera raw files ${SAVE}`],
  ['HEIF of another coding', heifOf('mif1', 'jpeg'), `HEIF images of this coding ${SAVE}`],
  ['SVG', latin1('<svg xmlns="http://www.w3.org/2000/svg"/>'), `SVG drawings ${SAVE}`],
  [
    'SVG behind comments',
    Buffer.from(
      '\ufeff<?xml version="1.0"?>\n<!-- a - b --><!-- c -->\n<!DOCTYPE svg PUBLIC "x">\n<svg/>',
    ),
    `SVG drawings ${SAVE}`,
  ],
  ['EPS', latin1('%!PS-Adobe-3.0 EPSF-3.0\n'), `PostScript files (EPS) ${SAVE}`],
  ['DICOM', Buffer.concat([Buffer.alloc(128), latin1('DICM\x02\0')]), `DICOM images ${SAVE}`],
  [
    'a PDF',
    latin1('%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n'),
    'The file is a PDF document, not a photo: export its page or photo as JPEG, then send that.',
  ],
  [
    'a video of a phone',
    media('qt  ', 'qt  '),
    'The file is a video (MOV), not a photo: send a still photo from it.',
  ],
  [
    'an MP4',
    media('isom', 'iso2', 'mp41'),
    'The file is a video (MP4), not a photo: send a still photo from it.',
  ],
  [
    'a ZIP',
    latin1('PK\x03\x04\x14\0\0\0\x08\0'),
    'The file is an archive (ZIP), not a photo: unpack it, then send its photos.',
  ],
  [
    'gzip',
    gzipSync('x'),
    'The file is an archive (GZ), not a photo: unpack it, then send its photos.',
  ],
  [
    'a web page',
    latin1('\r\n<!doctype html><html>404</html>'),
    'The file is a web page (HTML), not a photo: download the photo itself, then send it.',
  ],
  [
    'JSON',
    latin1('{"photo": "x"}'),
    'The file is JSON, not a photo: send the bytes of the photo itself.',
  ],
  [
    'a data URL',
    latin1('data:image/jpeg;base64,/9j/4AAQ'),
    'The file is a photo written as text (a data URL): decode it, then send the bytes.',
  ],
  [
    'base64',
    latin1('/9j/4AAQSkZJRgABAQAAAQABAAD/2wBD'),
    'The file is a photo written as text (base64): decode it, then send the bytes.',
  ],
  [
    'a text',
    Buffer.from('Wer ist größer?\n'),
    `The file is a text, not a photo: send ${READABLE}.`,
  ],
  [
    'a text of Windows',
    Buffer.from('\ufeffDear recogniser', 'utf16le'),
    `The file is a text, not a photo: send ${READABLE}.`,
  ],
  [
    'a file that was never written',
    Buffer.alloc(5000),
    'The file is empty: it holds nothing but zero bytes: copy it again from where it came.',
  ],
  [
    'noise',
    hex('9c01e7f3a05b88d2917a'),
    `The file is not a photo that can be read: send ${READABLE}.`,
  ],
];
for (const [what, bytes, sentence] of refused) {
  test(`${what} is refused by its name`, async () => {
    const { refusal } = await judgePhoto(bytes);
    assert.equal(refusal?.sentence, sentence);
  });
}

/** A TIFF of one row of plain RGB, with one number of its directory changed or added. */
function tiffWith(tag: number, value: number): Buffer {
  const numbers = {
    256: 2,
    257: 1,
    258: 8,
    259: 1,
    262: 2,
    273: 200,
    277: 3,
    279: 6,
    [tag]: value,
  };
  const bytes = Buffer.alloc(206);
  bytes.write('II*\0\x08\0\0\0', 'latin1');
  const entries = Object.entries(numbers);
  bytes.writeUInt16LE(entries.length, 8);
  for (const [index, [key, number]] of entries.entries()) {
    const at = 10 + 12 * index;
    bytes.writeUInt16LE(Number(key), at);
    bytes.writeUInt16LE(3, at + 2);
    bytes.writeUInt32LE(1, at + 4);
    bytes.writeUInt16LE(number, at + 8);
  }
  return bytes;
}

for (const [tag, value, kind] of [
  [259, 6, 'TIFFs compressed with old-style JPEG'],
  [259, 34925, 'TIFFs compressed with LZMA'],
  [259, 50000, 'TIFFs compressed with Zstandard'],
  [259, 4711, 'TIFFs compressed with scheme 4711'],
  [262, 6, 'TIFFs of YCbCr colours without JPEG'],
  [262, 8, 'TIFFs of L*a*b* colours with 8 bits'],
  [258, 12, 'TIFFs of 12 bits a colour'],
  [50706, 1, 'Camera raw files'],
  [262, 32803, 'TIFFs of camera raw data'],
  [254, 1, 'Camera raw files'],
  [339, 2, 'TIFFs of signed bytes'],
] as const) {
  test(`a whole TIFF whose tag ${tag} is ${value} is refused by its kind`, async () => {
    const { refusal } = await judgePhoto(tiffWith(tag, value));
    assert.equal(refusal?.sentence, `${kind} ${SAVE}`);
  });
}

for (const [marker, precision, kind] of [
  [0xc3, 8, 'Lossless JPEGs'],
  [0xc5, 8, 'Hierarchical JPEGs'],
  [0xc1, 12, 'JPEGs of 12 bits a colour'],
] as const) {
  test(`a JPEG of frame ${marker.toString(16)} with ${precision} bits is refused by its kind`, async () => {
    const frame = hex('ffd8 ffc0 000b 08 0010 0010 01 011100');
    frame[3] = marker;
    frame[6] = precision;
    const { refusal } = await judgePhoto(Buffer.concat([frame, hex('ffda0008010100003f00')]));
    assert.equal(refusal?.sentence, `${kind} ${SAVE}`);
  });
}

test('a TIFF of plain colours is one', async () => {
  assert.equal((await judgePhoto(tiffWith(259, 1))).format, 'TIFF');
});

test('no file takes long to judge', async () => {
  const comments = latin1('<!-- - -->'.repeat(500_000));
  const boxes = Buffer.concat([media('mif1', 'miaf'), Buffer.alloc(5_000_000, box('free', ''))]);
  const markers = Buffer.alloc(5_000_000, hex('ffe00002'));
  for (const bytes of [
    comments,
    boxes,
    Buffer.concat([hex('ffd8'), markers]),
    Buffer.alloc(5_000_000, 0xff),
  ]) {
    const begun = performance.now();
    await judgePhoto(bytes);
    assert.ok(performance.now() - begun < 1000);
  }
});
