/** R-Net's sieve is as exact as its margin needs, and leaves every face as it is. */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { detectFaces } from '../detect/cascade.ts';
import { collage } from '../detect/collage.fixture.ts';
import { cropAreas } from '../detect/crops.ts';
import type { Networks } from '../networks.ts';
import { courseImages, sharedMissing } from '../shared.fixture.ts';
import { openSieved } from './sieve.fixture.ts';

/** A hundredth of the margin with which detection uses the sieve. */
const ERROR = 1e-4;
const SIDE = 24;
const VALUES = SIDE * SIDE * 3;
/** COLLAGES=200 compares that many. */
const COLLAGES = Number(process.env.COLLAGES ?? 3);

describe('the sieve for R-Net', { timeout: 600_000 }, () => {
  let networks: Networks | undefined;
  let unavailable: string;
  before(async () => {
    ({ networks, unavailable } = await openSieved());
  });
  after(() => networks?.dispose());

  /** How far the sieve's logits are from R-Net's at most, where a float32 probability tells a logit. */
  function worst({ refine, refinementSieve }: Networks, crops: Float32Array): number {
    const count = crops.length / VALUES;
    const { probability } = refine(crops, count);
    const logits = refinementSieve!(crops, count);
    assert.equal(logits.length, count);
    const errors = logits.map((logit, row) => {
      const [noFace, face] = probability.subarray(row * 2, row * 2 + 2);
      return Math.abs(logit) > 6 ? 0 : Math.abs(logit - Math.log(face! / noFace!));
    });
    return Math.max(...errors);
  }

  it('is within a hundredth of its margin on made crops, whatever their number', (context: TestContext) => {
    if (networks?.refinementSieve === undefined) return context.skip(unavailable);
    for (const count of [1, 5, 6, 7, 64]) {
      let state = count;
      const crops = Float32Array.from({ length: count * VALUES }, (_, at) => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        const [row, pixel] = [Math.floor(at / VALUES), Math.floor((at % VALUES) / 3)];
        const wave =
          Math.sin(pixel / (2 + (row % 7)) + (at % 3)) * Math.cos(pixel / 24 / (1 + row));
        return (wave * (row % 3) + (state / 2 ** 31 - 1) * ((row + 1) % 3)) / 2;
      });
      assert.ok(worst(networks, crops) < ERROR);
    }
  });

  it('comes with networks that round alike for every number of crops from two on', (context: TestContext) => {
    if (networks?.refinementSieve === undefined) return context.skip(unavailable);
    if (!networks.roundsAlike) return context.skip('oneDNN does not compute detection here');
    for (const [side, counts] of [
      [24, [2, 3, 9, 33, 70, 128]],
      [48, [2, 3, 9, 32]],
    ] as const) {
      const values = side * side * 3;
      const most = counts.at(-1)!;
      const crops = Float32Array.from({ length: most * values }, (_, at) =>
        Math.sin(at / 7 + Math.floor(at / values)),
      );
      const ask = (count: number) => {
        const some = crops.subarray(0, count * values);
        return side === 24 ? networks!.refine(some, count) : networks!.output(some, count);
      };
      const all = ask(most);
      for (const count of counts) {
        const { probability, regression } = ask(count);
        assert.deepEqual(
          probability,
          all.probability.subarray(0, count * 2),
          `${count} of ${side}`,
        );
        assert.deepEqual(regression, all.regression.subarray(0, count * 4), `${count} of ${side}`);
      }
    }
  });

  it(`changes no face of ${COLLAGES} collages and spares R-Net most crops`, {
    skip: sharedMissing,
  }, async (context: TestContext) => {
    if (networks?.refinementSieve === undefined) return context.skip(unavailable);
    const { refinementSieve: _, ...without } = networks;
    let crops = 0;
    let difference = 0;
    const counted = (subject: Networks): Networks => ({
      ...subject,
      refine(data, count) {
        crops += count;
        return subject.refine(data, count);
      },
    });
    let [all, left] = [0, 0];
    const photos = [...courseImages(100).values()];
    for (let seed = 1; seed <= COLLAGES; seed++) {
      const image = await collage(photos, seed);
      const windows = Int32Array.from({ length: 64 * 4 }, (_value, at) => {
        const side = 24 + ((at >> 2) % 8) * 37;
        const from = (at % 2 === 0 ? image.width : image.height) - side;
        const start = Math.floor((from * ((at >> 2) * 2 + (at % 2))) / 128);
        return start + (at % 4 > 1 ? side : 0);
      });
      difference = Math.max(difference, worst(networks, cropAreas(image, windows, SIDE).slice()));
      crops = 0;
      const expected = detectFaces(counted(without), image);
      all += crops;
      crops = 0;
      assert.deepEqual(detectFaces(counted(networks), image), expected, `collage ${seed}`);
      left += crops;
    }
    assert.ok(difference < ERROR, `${difference}`);
    assert.ok(left < all / 2, `${left} of ${all} crops`);
  });
});
