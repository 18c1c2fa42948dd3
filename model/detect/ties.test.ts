/**
 * Photos in which boxes have exactly equal scores in PyTorch, and where other scores than PyTorch's give
 * other boxes: variants of the reference photos, with the boxes that facenet-pytorch 2.6.0 answers.
 * `npm run bench -- parity` compares a thousand more.
 */
import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import sharp from 'sharp';
import { modelDirectory } from '../../test/model.fixture.ts';
import { openNetworks } from '../backend/open-networks.ts';
import { decodeImage } from '../decode/decode.ts';
import { BackendError } from '../errors.ts';
import type { Networks } from '../networks.ts';
import { parityPhotoPath, sharedMissing } from '../shared.fixture.ts';
import { detectFaces } from './cascade.ts';
import { detectLargestFace } from './largest.ts';

interface Variant {
  readonly photo: string;
  readonly cut: { left: number; top: number; width: number; height: number };
  readonly mirrored?: boolean;
  readonly side: number;
  readonly quality: number;
  readonly boxes: readonly (readonly number[])[];
}

const VARIANTS: readonly Variant[] = [
  {
    photo: 'multiface.jpg',
    cut: { left: 0, top: 207, width: 1198, height: 321 },
    side: 438,
    quality: 82,
    boxes: [
      [310.36, 83.21, 348.81, 143.47],
      [82.27, 15.08, 112.68, 54.42],
      [226.44, -5.57, 255.41, 34.11],
    ],
  },
  {
    photo: 'angelina_jolie.jpg',
    cut: { left: 255, top: 146, width: 1386, height: 935 },
    side: 232,
    quality: 64,
    boxes: [[54.3, 23.68, 158.22, 180.58]],
  },
  {
    photo: 'multiface.jpg',
    cut: { left: 119, top: 5, width: 1009, height: 620 },
    mirrored: true,
    side: 257,
    quality: 39,
    boxes: [
      [45.01, 111.91, 66.96, 140.21],
      [159.13, 33.66, 179.96, 59.63],
      [126.57, 11.99, 145.88, 37.86],
      [110.34, 48.79, 129.06, 74.47],
      [85.03, 118.62, 102.41, 144.15],
      [210.91, 63.51, 227.98, 87.41],
    ],
  },
];
const PIXELS = 0.1;

function madeFrom({ photo, cut, mirrored, side, quality }: Variant): Promise<Buffer> {
  return sharp(parityPhotoPath(photo), { ignoreIcc: true })
    .extract(cut)
    .flop(mirrored ?? false)
    .resize(side, side, { fit: 'inside' })
    .jpeg({ quality })
    .toBuffer();
}

function assertBoxes(found: readonly (readonly number[])[], expected: Variant['boxes']): void {
  assert.equal(found.length, expected.length);
  for (const [row, box] of found.entries()) {
    for (const [at, value] of box.entries()) {
      const off = Math.abs(value - expected[row]![at]!);
      assert.ok(off < PIXELS, `face ${row} is ${off} px off: ${box}`);
    }
  }
}

for (const backend of ['tensorflow', 'wasm'] as const) {
  describe(`on ${backend}`, { skip: sharedMissing }, () => {
    let networks: Networks | undefined;
    let unavailable = '';

    before(async () => {
      try {
        networks = await openNetworks(await modelDirectory(), { backend });
      } catch (error) {
        if (!(error instanceof BackendError)) throw error;
        unavailable = error.message;
      }
    });
    after(() => networks?.dispose());

    for (const variant of VARIANTS) {
      test(`boxes with equal scores are PyTorch’s in ${variant.photo} at ${variant.side} px`, async (context: TestContext) => {
        if (networks === undefined) return context.skip(unavailable);
        const image = await decodeImage(await madeFrom(variant), { orient: false });
        assertBoxes(
          detectFaces(networks, image).map(({ box }) => box),
          variant.boxes,
        );
        const largest = detectLargestFace(networks, image);
        assertBoxes([largest!.box], variant.boxes.slice(0, 1));
      });
    }
  });
}
