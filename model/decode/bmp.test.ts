/** Bitmaps of every depth and coding show the same picture; broken ones are refused. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { ImageError } from '../errors.ts';
import { decodeBmp } from './bmp.ts';

interface Made {
  readonly bits: number;
  readonly pixels: readonly number[];
  readonly coding?: number;
  readonly height?: number;
  readonly masks?: readonly number[];
  readonly palette?: readonly number[];
  readonly header?: 12 | 40 | 108;
}

/** 2 x 2 pixels; the rows from below. */
function bmp({
  bits,
  pixels,
  coding = 0,
  height = 2,
  masks = [],
  palette = [],
  header = 40,
}: Made): Buffer {
  const head = Buffer.alloc(header);
  head.writeUInt32LE(header, 0);
  if (header === 12) {
    head.writeUInt16LE(2, 4);
    head.writeUInt16LE(height, 6);
    head.writeUInt16LE(1, 8);
    head.writeUInt16LE(bits, 10);
  } else {
    head.writeInt32LE(2, 4);
    head.writeInt32LE(height, 8);
    head.writeUInt16LE(1, 12);
    head.writeUInt16LE(bits, 14);
    head.writeUInt32LE(coding, 16);
  }
  const maskBytes = Buffer.alloc(4 * masks.length);
  for (const [index, mask] of masks.entries()) maskBytes.writeUInt32LE(mask, 4 * index);
  if (header === 108) maskBytes.copy(head, 40);
  const parts = [head, header === 108 ? Buffer.alloc(0) : maskBytes, Buffer.from(palette)];
  const file = Buffer.alloc(14);
  file.write('BM');
  file.writeUInt32LE(14 + parts.reduce((sum, part) => sum + part.length, 0), 10);
  return Buffer.concat([file, ...parts, Buffer.from(pixels)]);
}

const RED = [255, 0, 0];
const GREEN = [0, 255, 0];
const BLUE = [0, 0, 255];
const WHITE = [255, 255, 255];
/** From above: red, green; blue, white. */
const PICTURE = [...RED, ...GREEN, ...BLUE, ...WHITE];
/** Blue, green, red, and a byte without meaning. */
const PALETTE = [0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0, 255, 255, 255, 0];

const cases: [what: string, made: Made][] = [
  ['24 bits', { bits: 24, pixels: [255, 0, 0, 255, 255, 255, 0, 0, 0, 0, 255, 0, 255, 0, 0, 0] }],
  [
    '24 bits from above',
    { bits: 24, height: -2, pixels: [0, 0, 255, 0, 255, 0, 0, 0, 255, 0, 0, 255, 255, 255, 0, 0] },
  ],
  [
    '32 bits, the fourth byte without meaning',
    { bits: 32, pixels: [255, 0, 0, 0, 255, 255, 255, 7, 0, 0, 255, 0, 0, 255, 0, 9] },
  ],
  ['16 bits, five a colour', { bits: 16, pixels: [0x1f, 0, 0xff, 0x7f, 0, 0x7c, 0xe0, 3] }],
  [
    '16 bits with masks, six of green',
    {
      bits: 16,
      coding: 3,
      masks: [0xf800, 0x7e0, 0x1f],
      pixels: [0x1f, 0, 0xff, 0xff, 0, 0xf8, 0xe0, 7],
    },
  ],
  [
    '32 bits with masks in the header',
    {
      bits: 32,
      coding: 3,
      header: 108,
      masks: [0xff, 0xff00, 0xff0000, 0xff000000],
      pixels: [0, 0, 255, 255, 9, 9, 9, 0, 255, 0, 0, 255, 0, 255, 0, 255],
    },
  ],
  ['8 bits', { bits: 8, palette: PALETTE, pixels: [2, 3, 0, 0, 0, 1, 0, 0] }],
  ['4 bits', { bits: 4, palette: PALETTE, pixels: [0x23, 0, 0, 0, 0x01, 0, 0, 0] }],
  [
    '8 bits in runs',
    { bits: 8, coding: 1, palette: PALETTE, pixels: [1, 2, 1, 3, 0, 0, 1, 0, 1, 1, 0, 1] },
  ],
  [
    '4 bits in runs',
    { bits: 4, coding: 2, palette: PALETTE, pixels: [2, 0x23, 0, 0, 2, 0x01, 0, 1] },
  ],
  [
    '8 bits of OS/2',
    {
      bits: 8,
      header: 12,
      palette: [0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 255],
      pixels: [2, 3, 0, 0, 0, 1, 0, 0],
    },
  ],
];
for (const [what, made] of cases) {
  test(`a bitmap of ${what} decodes to its colours`, () => {
    const { width, height, data } = decodeBmp(bmp(made));
    assert.deepEqual([width, height, [...data]], [2, 2, PICTURE]);
  });
}

test('a bitmap of 1 bit decodes to its two colours', () => {
  const { data } = decodeBmp(
    bmp({
      bits: 1,
      palette: [0, 0, 0, 0, 255, 255, 255, 0],
      pixels: [0x80, 0, 0, 0, 0x40, 0, 0, 0],
    }),
  );
  assert.deepEqual([...data], [0, 0, 0, ...WHITE, ...WHITE, 0, 0, 0]);
});

for (const [what, bytes, sentence] of [
  ['a bitmap cut short', bmp({ bits: 24, pixels: [255, 0, 0] }), /damaged or cut short/],
  ['runs that end early', bmp({ bits: 8, coding: 1, palette: PALETTE, pixels: [1, 2] }), /damaged/],
  [
    'a bitmap with a JPEG inside',
    bmp({ bits: 0, coding: 4, pixels: [] }),
    /BMPs of 0 bits in coding 4/,
  ],
  ['a bitmap without pixels', bmp({ bits: 24, height: 0, pixels: [] }), /damaged/],
  ['a bitmap of two billion rows', bmp({ bits: 24, height: 2 ** 31 - 1, pixels: [] }), /too large/],
] as const) {
  test(`${what} is refused with a sentence`, () => {
    assert.throws(
      () => decodeBmp(bytes),
      (error) => error instanceof ImageError && sentence.test(error.message),
    );
  });
}
