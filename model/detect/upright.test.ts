/**
 * Photos on their side and upside down, without an EXIF orientation: recognised as the upright photo is, on
 * both engines, and at no cost to photos with a clear upright face.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import sharp from 'sharp';
import { modelDirectory } from '../../test/model.fixture.ts';
import { knownPhotos } from '../../test/photos.fixture.ts';
import { openNetworks } from '../backend/open-networks.ts';
import { decodeImage } from '../decode/decode.ts';
import { BackendError } from '../errors.ts';
import type { RgbImage } from '../image/image.ts';
import { turnImage } from '../image/turn.ts';
import { loadRecognizer, type Recognizer } from '../index.ts';
import type { Networks } from '../networks.ts';
import { parityPhotoPath, sharedMissing } from '../shared.fixture.ts';
import { detectFaces } from './cascade.ts';
import type { DetectedFace } from './faces.ts';
import { detectLargestFace } from './largest.ts';
import { findUpright, isClear } from './upright.ts';

const TURNS = [90, 180, 270] as const;

function assertNear(actual: readonly number[], expected: readonly number[], most: number): void {
  for (const [at, value] of actual.entries()) {
    assert.ok(Math.abs(value - expected[at]!) < most, `${actual} is not ${expected}`);
  }
}

for (const backend of ['tensorflow', 'wasm'] as const) {
  describe(`a photo on its side, on ${backend}`, { timeout: 120_000 }, () => {
    let recognizer: Recognizer | undefined;
    let unavailable = '';
    let photo: Buffer;
    let name: string;

    before(async () => {
      const { images, expected } = await knownPhotos();
      const [stem, person] = [...expected][0]!;
      name = person;
      photo = await readFile(join(images, `${stem}.jpg`));
      try {
        recognizer = await loadRecognizer(await modelDirectory(), { backend });
      } catch (error) {
        if (!(error instanceof BackendError)) throw error;
        unavailable = error.message;
      }
    });
    after(() => recognizer?.dispose());

    test('gets the upright photo’s answer, with boxes of the photo as sent', async (context: TestContext) => {
      if (recognizer === undefined) return context.skip(unavailable);
      const upright = await recognizer.recognize(photo);
      assert.equal(upright.turned, 0);
      const [face] = upright.faces;
      for (const sent of TURNS) {
        // Without its orientation, as messengers and scanners leave it.
        const bytes = await sharp(photo, { ignoreIcc: true }).rotate(sent).png().toBuffer();
        for (const allFaces of sent === 90 ? [false, true] : [false]) {
          const found = await recognizer.recognize(bytes, { allFaces });
          assert.equal(found.turned, 360 - sent);
          assert.equal(found.faces[0]!.nearest[0]!.name, name);
          assert.deepEqual(found.faces[0]!.embedding, face!.embedding);
          const { width, height } = found;
          const [x1, y1, x2, y2] = face!.box;
          const expected = {
            90: [width - y2, x1, width - y1, x2],
            180: [width - x2, height - y2, width - x1, height - y1],
            270: [y1, height - x2, y2, height - x1],
          }[sent];
          assertNear(found.faces[0]!.box, expected, 1e-3);
        }
        if (sent !== 90) continue;
        const asStored = await recognizer.recognize(bytes, { orient: false });
        assert.equal(asStored.turned, 0);
      }
    });
  });
}

describe('the search for the upright turn', { timeout: 120_000 }, () => {
  let networks: Networks;
  let pixels = 0;
  let face: RgbImage;
  /** Counts the pixels that P-Net looks at, without a sieve that spares it most of them. */
  const counted = ({ sieve: _, ...without } = networks): Networks => ({
    ...without,
    propose(image, height, width) {
      pixels += height * width;
      return networks.propose(image, height, width);
    },
    ...(networks.proposeBlocks && {
      proposeBlocks(blocks, height, width) {
        pixels += height * width * 4;
        return networks.proposeBlocks!(blocks, height, width);
      },
    }),
  });
  const largest = (image: RgbImage): DetectedFace[] => {
    const found = detectLargestFace(counted(), image);
    return found === undefined ? [] : [found];
  };
  /** P-Net's pixels in all, and those of the photo as it was sent. */
  function cost(image: RgbImage): { all: number; once: number } {
    pixels = 0;
    findUpright(counted(), image, largest);
    const all = pixels;
    pixels = 0;
    largest(image);
    return { all, once: pixels };
  }

  before(async () => {
    networks = await openNetworks(await modelDirectory());
    const { images } = await knownPhotos();
    face = await decodeImage(await readFile(join(images, 'test_000.jpg')));
  });
  after(() => networks?.dispose());

  test('looks at nothing more where a clear face is upright', () => {
    const { all, once } = cost(face);
    assert.equal(all, once);
  });

  test('takes a large photo without a face little longer', () => {
    const [width, height] = [1600, 1200];
    const data = new Uint8Array(width * height * 3).map((_, at) => (at * 7919) % 251);
    const { all, once } = cost({ width, height, data });
    assert.ok(all > once);
    assert.ok(all < 1.5 * once, `${all} pixels instead of ${once}`);
  });

  test('finds a group photo’s turn, with every face', { skip: sharedMissing }, async () => {
    const group = await decodeImage(await readFile(parityPhotoPath('multiface.jpg')));
    const detect = (image: RgbImage): DetectedFace[] => detectFaces(networks, image);
    const upright = findUpright(networks, group, detect);
    assert.deepEqual([upright.turn, upright.faces.length], [0, 6]);
    for (const sent of TURNS) {
      const found = findUpright(networks, turnImage(group, sent), detect);
      assert.equal(found.turn, 360 - sent);
      assert.deepEqual(found.faces, upright.faces);
    }
  });

  test('turns no photo without a face', async () => {
    const wall = {
      create: { width: 300, height: 200, channels: 3, background: '#8090a0' },
    } as const;
    const plain = await decodeImage(await sharp(wall).png().toBuffer());
    assert.equal(findUpright(networks, plain, largest).turn, 0);
  });
});

test('a face is clear when it is found surely and its eyes are above its mouth', () => {
  const clear: DetectedFace = {
    box: [10, 10, 80, 100],
    probability: 0.9999,
    landmarks: [
      [30, 45],
      [60, 46],
      [45, 62],
      [33, 80],
      [58, 81],
    ],
  };
  assert.equal(isClear(clear), true);
  assert.equal(isClear({ ...clear, probability: 0.97 }), false);
  const upsideDown = clear.landmarks.map(([x, y]) => [90 - x, 110 - y] as const);
  const onItsSide = clear.landmarks.map(([x, y]) => [y - 10, 90 - x] as const);
  const closeTogether = clear.landmarks.map(([x, y]) => [45 + x / 20, 60 + y / 20] as const);
  for (const points of [upsideDown, onItsSide, closeTogether]) {
    assert.equal(isClear({ ...clear, landmarks: points as never }), false);
  }
  assert.equal(isClear({ ...clear, box: [0, 20, 90, 90] }), false);
});
