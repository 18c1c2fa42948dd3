/** Formats are told by their first bytes. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { imageFormatOf, isHeic } from './image-format.ts';

const mediaFile = (major: string, ...compatible: string[]): Buffer => {
  const brands = Buffer.from(`ftyp${major}\0\0\0\0${compatible.join('')}`, 'latin1');
  const size = Buffer.alloc(4);
  size.writeUInt32BE(brands.length + 4);
  return Buffer.concat([size, brands, Buffer.from('mdat and so on')]);
};

for (const [bytes, format] of [
  [Buffer.from('ffd8ffe000104a464946', 'hex'), 'JPEG'],
  [Buffer.from('89504e470d0a1a0a0000000d', 'hex'), 'PNG'],
  [Buffer.from('RIFF\x24\0\0\0WEBPVP8 '), 'WebP'],
  [Buffer.from('GIF87a\x01\0\x01\0'), 'GIF'],
  [Buffer.from('GIF89a\x01\0\x01\0'), 'GIF'],
  [Buffer.from('II*\0\x08\0\0\0'), 'TIFF'],
  [Buffer.from('MM\0*\0\0\0\x08'), 'TIFF'],
  [mediaFile('avif', 'mif1', 'miaf'), 'AVIF'],
  [mediaFile('mif1', 'avif', 'miaf'), 'AVIF'],
  [mediaFile('heic', 'mif1', 'heic'), undefined],
  [mediaFile('isom', 'mp41'), undefined],
  [Buffer.from('RIFF\x24\0\0\0WAVEfmt '), undefined],
  [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), undefined],
  [Buffer.from('%PDF-1.7\n'), undefined],
  [Buffer.from('BM\x36\0\0\0'), undefined],
  [Buffer.from([0xff, 0xd8]), undefined],
  [Buffer.alloc(0), undefined],
] as const) {
  const start = JSON.stringify(bytes.toString('latin1').slice(0, 12));
  test(`bytes that begin with ${start} are ${format ?? 'no supported image'}`, () => {
    assert.equal(imageFormatOf(bytes), format);
  });
}

test('a HEIC photo is told from other media files', () => {
  assert.ok(isHeic(mediaFile('heic', 'mif1')));
  assert.ok(isHeic(mediaFile('mif1', 'heic')));
  assert.ok(!isHeic(mediaFile('avif', 'mif1')));
  assert.ok(!isHeic(Buffer.from('heic')));
});
