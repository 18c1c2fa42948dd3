/** The own kernels for R-Net and O-Net answer as the networks do, within a tenth of what detection allows for. */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { faceWindow } from '../align/align.ts';
import { detectFaces } from '../detect/cascade.ts';
import { collage } from '../detect/collage.fixture.ts';
import { cropAreas } from '../detect/crops.ts';
import { faceProbability } from '../detect/face-probability.ts';
import { type Networks, OWN_ANSWER_VALUES } from '../networks.ts';
import { courseImages, sharedMissing } from '../shared.fixture.ts';
import { openSieved } from './sieve.fixture.ts';

/** Of a logit and of an offset: twice what was found at most. */
const LOGIT_ERROR = 3e-5;
const OFFSET_ERROR = 2e-6;
const SIDES = { refine: 24, confirm: 48 } as const;
/** COLLAGES=200 compares that many. */
const COLLAGES = Number(process.env.COLLAGES ?? 3);

describe('the own kernels for R-Net and O-Net', { timeout: 600_000 }, () => {
  let networks: Networks | undefined;
  let unavailable: string;
  before(async () => {
    ({ networks, unavailable } = await openSieved());
  });
  after(() => networks?.dispose());

  /** How far own answers are from the networks' at most; logits only where a float32 probability tells them. */
  function worst(subject: Networks, stage: 'refine' | 'confirm', crops: Float32Array) {
    const count = crops.length / (SIDES[stage] ** 2 * 3);
    const asked = stage === 'refine' ? subject.refine(crops, count) : subject.output(crops, count);
    const answers = subject.ownStages![stage](crops, count);
    assert.equal(answers.length, count * OWN_ANSWER_VALUES);
    const values = { landmarks: new Float32Array(count * 10), ...asked };
    let [logits, offsets] = [0, 0];
    for (let row = 0; row < count; row++) {
      const own = answers.subarray(row * OWN_ANSWER_VALUES, (row + 1) * OWN_ANSWER_VALUES);
      const [noFace, face] = values.probability.subarray(row * 2, row * 2 + 2);
      const logit = own[1]! - own[0]!;
      if (Math.abs(logit) < 6) {
        logits = Math.max(logits, Math.abs(logit - Math.log(face! / noFace!)));
      } else {
        assert.ok(Math.abs(faceProbability(own[0]!, own[1]!) - face!) < 1e-6);
      }
      const expected = [
        ...values.regression.subarray(row * 4, row * 4 + 4),
        ...values.landmarks.subarray(row * 10, row * 10 + 10),
      ];
      for (const [at, value] of expected.entries()) {
        offsets = Math.max(offsets, Math.abs(value - own[2 + at]!));
      }
    }
    return { logits, offsets };
  }

  for (const stage of ['refine', 'confirm'] as const) {
    it(`${stage} as the network does, each crop alike for every number of crops`, (context: TestContext) => {
      if (networks?.ownStages === undefined) return context.skip(unavailable);
      const values = SIDES[stage] ** 2 * 3;
      for (const count of [2, 5, 6, 7, 32]) {
        let state = count;
        const crops = Float32Array.from({ length: count * values }, (_, at) => {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
          const [row, pixel] = [Math.floor(at / values), Math.floor((at % values) / 3)];
          const wave =
            Math.sin(pixel / (2 + (row % 7)) + (at % 3)) * Math.cos(pixel / 24 / (1 + row));
          return (wave * (row % 3) + (state / 2 ** 31 - 1) * ((row + 1) % 3)) / 2;
        });
        const { logits, offsets } = worst(networks, stage, crops);
        assert.ok(logits < LOGIT_ERROR, `logits ${logits}`);
        assert.ok(offsets < OFFSET_ERROR, `offsets ${offsets}`);
        const alike: Float32Array = networks.ownStages[stage](crops, count);
        const last: Float32Array = networks.ownStages[stage](crops.slice(-values), 1);
        assert.deepEqual(last, alike.slice(-OWN_ANSWER_VALUES));
      }
    });
  }

  it(`find in ${COLLAGES} collages the faces that the networks find, and cut the same pixels`, {
    skip: sharedMissing,
  }, async (context: TestContext) => {
    if (networks?.ownStages === undefined) return context.skip(unavailable);
    const { ownStages: _, ...without } = networks;
    let asked = 0;
    let all = 0;
    const counted = (subject: Networks): Networks => ({
      ...subject,
      refine(data, count) {
        asked += count;
        return subject.refine(data, count);
      },
      output(data, count) {
        asked += count;
        return subject.output(data, count);
      },
    });
    const photos = [...courseImages(100).values()];
    const most = { logits: 0, offsets: 0 };
    for (let seed = 1; seed <= COLLAGES; seed++) {
      const image = await collage(photos, seed);
      for (const stage of ['refine', 'confirm'] as const) {
        const windows = Int32Array.from({ length: 32 * 4 }, (_value, at) => {
          const side = 24 + ((at >> 2) % 8) * 37;
          const from = (at % 2 === 0 ? image.width : image.height) - side;
          const start = Math.floor((from * ((at >> 2) * 2 + (at % 2))) / 64);
          return start + (at % 4 > 1 ? side : 0);
        });
        const crops = cropAreas(image, windows, SIDES[stage]).slice();
        const { logits, offsets } = worst(networks, stage, crops);
        most.logits = Math.max(most.logits, logits);
        most.offsets = Math.max(most.offsets, offsets);
      }
      const expected = detectFaces(without, image);
      all += expected.length;
      const faces = detectFaces(counted(networks), image);
      assert.equal(faces.length, expected.length, `collage ${seed}`);
      for (const [at, face] of faces.entries()) {
        const other = expected[at]!;
        assert.deepEqual(faceWindow(face.box, image), faceWindow(other.box, image), `${seed}`);
        const points = face.landmarks.flat();
        for (const [edge, place] of [...face.box, ...points].entries()) {
          const there = [...other.box, ...other.landmarks.flat()][edge]!;
          assert.ok(Math.abs(place - there) < 2e-3, `collage ${seed}: ${place} and ${there}`);
        }
        assert.ok(Math.abs(face.probability - other.probability) < 1e-5);
      }
    }
    context.diagnostic(
      `errors ${JSON.stringify(most)}; ${asked} crops settled beside ${all} faces`,
    );
    assert.ok(most.logits < LOGIT_ERROR && most.offsets < OFFSET_ERROR, JSON.stringify(most));
    assert.ok(asked < 8 * all, `${asked} crops were given to the networks for ${all} faces`);
  });
});
