/** Bad and odd images, made here from one real JPEG or PNG: nothing is downloaded. */
import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';

/** Of a bomb only so much is really there. */
const MOST_ROW_BYTES = 20_000_000;
const PIXELS = { create: { width: 48, height: 32, channels: 3, background: '#a05030' } } as const;

/** Two colours side by side, so that a turned picture can be told from an upright one. */
function picture(): Sharp {
  const right = { create: { width: 24, height: 32, channels: 3, background: '#2040c0' } } as const;
  return sharp(PIXELS).composite([{ input: right, left: 24, top: 0 }]);
}

/** Where each marker segment of a JPEG begins, the end of the picture included. */
export function jpegMarkers(jpeg: Buffer): number[] {
  const places: number[] = [];
  for (let at = 0; at + 1 < jpeg.length; at++) {
    const marker = jpeg[at + 1] as number;
    if (jpeg[at] !== 0xff || marker === 0 || marker === 0xff) continue;
    places.push(at);
    const hasLength = marker !== 0xd8 && marker !== 0xd9 && !(marker >= 0xd0 && marker <= 0xd7);
    if (hasLength) at += jpeg.readUInt16BE(at + 2) + 1;
  }
  return places;
}

/** A PNG that says it is `width` times `height`, its pixels all zero and packed a thousandfold. */
export function pngBomb(width: number, height: number): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 0, 0, 0, 0], 8); // Grey, eight bits.
  const rows = deflateSync(Buffer.alloc(Math.min((width + 1) * height, MOST_ROW_BYTES)), {
    level: 9,
  });
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    pngChunk('IHDR', head),
    pngChunk('IDAT', rows),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** Photos that are whole, in every form that cameras and programs write. */
export async function goodImages(): Promise<Record<string, Buffer>> {
  const wide = { create: { ...PIXELS.create, width: 20_000, height: 1 } };
  const tall = { create: { ...PIXELS.create, width: 1, height: 20_000 } };
  const turned = Array.from(
    { length: 8 },
    async (_, i): Promise<[string, Buffer]> => [
      `turned as EXIF ${i + 1} says`,
      await picture()
        .jpeg()
        .withMetadata({ orientation: i + 1 })
        .toBuffer(),
    ],
  );
  const jpeg = await picture().jpeg().toBuffer();
  return {
    'a baseline JPEG': jpeg,
    'a progressive JPEG': await picture().jpeg({ progressive: true }).toBuffer(),
    'a CMYK JPEG': await picture().toColourspace('cmyk').jpeg().toBuffer(),
    'a grey JPEG': await picture().greyscale().jpeg().toBuffer(),
    'a 16-bit PNG': await picture().toColourspace('rgb16').png().toBuffer(),
    'a PNG with alpha': await picture().ensureAlpha(0.5).png().toBuffer(),
    'a palette PNG': await picture().png({ palette: true }).toBuffer(),
    'a WebP': await picture().webp().toBuffer(),
    'a GIF': await picture().gif().toBuffer(),
    'a TIFF': await picture().tiff().toBuffer(),
    'an AVIF': await picture().avif().toBuffer(),
    'a JPEG with a colour profile': await picture().withIccProfile('p3').jpeg().toBuffer(),
    '1x1': await sharp({ create: { ...PIXELS.create, width: 1, height: 1 } })
      .jpeg()
      .toBuffer(),
    '20000x1': await sharp(wide).jpeg().toBuffer(),
    '1x20000': await sharp(tall).jpeg().toBuffer(),
    'a JPEG with a ZIP behind it': Buffer.concat([jpeg, Buffer.from('PK\x03\x04 and more')]),
    'a JPEG with HTML in its comment': withComment(jpeg, '<script>alert(1)</script>'),
    ...Object.fromEntries(await Promise.all(turned)),
  };
}

function withComment(jpeg: Buffer, text: string): Buffer {
  const head = Buffer.from([0xff, 0xfe, 0, text.length + 2]);
  return Buffer.concat([jpeg.subarray(0, 2), head, Buffer.from(text), jpeg.subarray(2)]);
}

/** What no one should get an answer for but a refusal, whatever its name says. */
export function otherFiles(canary: string): Record<string, Buffer> {
  const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');
  return {
    'zero bytes': Buffer.alloc(0),
    'one byte': ascii('\xff'),
    text: ascii('just text'),
    'a PDF': ascii('%PDF-1.7\n1 0 obj\n'),
    'a ZIP': ascii('PK\x03\x04\x14\0\0\0\x08\0'),
    'an ELF program': ascii('\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0'),
    'a shell script': ascii('#!/bin/sh\nreboot\n'),
    'HTML that looks like a photo to nobody': ascii('<html><img src="a.jpg"></html>'),
    'an SVG that loads something': ascii(
      `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"><image xlink:href="${canary}svg.png" width="9" height="9"/></svg>`,
    ),
    'an XML that loads something': ascii(
      `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "${canary}xxe">]><svg>&x;</svg>`,
    ),
    'an ImageMagick script': ascii(
      `push graphic-context\nviewbox 0 0 9 9\nimage over 0,0 0,0 '${canary}mvg'\n`,
    ),
    'a playlist': ascii(`#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n${canary}m3u8\n`),
    'a PostScript': ascii('%!PS-Adobe-3.0 EPSF-3.0\nshowpage\n'),
    'a BMP': ascii('BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0'),
    'a JPEG XL': ascii('\xff\x0a\x7a\x0f'),
  };
}
