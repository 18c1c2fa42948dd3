/** The largest face, found without looking at all of the photo, is the one that all of it gives. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { modelDirectory } from '../../test/model.fixture.ts';
import { openNetworks } from '../backend/open-networks.ts';
import { decodeImage } from '../decode/decode.ts';
import type { RgbImage } from '../image/image.ts';
import type { Networks } from '../networks.ts';
import { courseImages, parityPhotoPath, sharedMissing } from '../shared.fixture.ts';
import { detectFaces } from './cascade.ts';
import { collage } from './collage.fixture.ts';
import type { DetectedFace } from './faces.ts';
import { detectLargestFace } from './largest.ts';

/** COLLAGES=500 compares that many. */
const COLLAGES = Number(process.env.COLLAGES ?? 10);

/** px; the networks answer a part of a photo as they answer all of it, to a rounding. */
const PIXELS = 0.01;

function assertSame(actual: DetectedFace | undefined, expected: DetectedFace | undefined): void {
  assert.equal(actual === undefined, expected === undefined);
  if (actual === undefined || expected === undefined) return;
  const numbers = (face: DetectedFace): number[] => [...face.box, ...face.landmarks.flat()];
  for (const [at, value] of numbers(expected).entries()) {
    assert.ok(
      Math.abs(numbers(actual)[at]! - value) < PIXELS,
      `${actual.box} is not ${expected.box}`,
    );
  }
  assert.ok(Math.abs(actual.probability - expected.probability) < 1e-5);
}

describe('the largest face', { skip: sharedMissing, timeout: 600_000 }, () => {
  let networks: Networks;
  let photos: Buffer[];
  let pixels = 0;
  /** Counts what P-Net is given. */
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
  before(async () => {
    networks = await openNetworks(await modelDirectory(), { backend: 'auto' });
    const folder = dirname(parityPhotoPath('any.jpg'));
    photos = readdirSync(folder)
      .filter((name) => name.endsWith('.jpg'))
      .map((name) => readFileSync(join(folder, name)));
  });
  after(() => networks.dispose());

  it(`is that of the whole detection on ${COLLAGES} collages of faces`, async () => {
    const faces = [...photos, ...courseImages(100).values()];
    for (let seed = 1; seed <= COLLAGES; seed++) {
      const image = await collage(faces, seed);
      assertSame(detectLargestFace(networks, image), detectFaces(networks, image)[0]);
    }
  });

  it('of a portrait takes P-Net less than half of the pixels', async () => {
    const image = await decodeImage(readFileSync(parityPhotoPath('kate_siegel.jpg')), {});
    const subject = counted();
    const whole = detectFaces(subject, image);
    const wholePixels = pixels;
    pixels = 0;
    assertSame(detectLargestFace(subject, image), whole[0]);
    assert.ok(pixels < wholePixels / 2, `${pixels} of ${wholePixels}`);
  });

  it('of a photo without a face is undefined', () => {
    const [width, height] = [700, 500];
    const grey: RgbImage = { width, height, data: new Uint8Array(width * height * 3).fill(130) };
    assert.equal(detectLargestFace(networks, grey), undefined);
  });
});
