/** Photos that are spoilt on purpose are low in what was spoilt, say so, and good ones are not. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, describe, it } from 'node:test';
import sharp, { type OutputInfo, type Sharp } from 'sharp';
import type { Box, DetectedFace, Point } from '../detect/faces.ts';
import type { RgbImage } from '../image/image.ts';
import { parityPhotoPath, readGolden, sharedMissing } from '../shared.fixture.ts';
import { poseOf } from './pose.ts';
import { type Quality, qualityOf } from './quality.ts';

const byBox = { alignment: 'box' } as const;
const straight: DetectedFace['landmarks'] = [
  [30, 40],
  [70, 40],
  [50, 65],
  [35, 82],
  [65, 82],
];

/** A face-sized picture of stripes: brightness by column. */
function striped(side: number, grey: (x: number) => number): RgbImage {
  const data = Uint8Array.from({ length: side * side * 3 }, (_, at) =>
    Math.round(grey(Math.floor(at / 3) % side)),
  );
  return { width: side, height: side, data };
}

function judged(image: RgbImage, given: Partial<DetectedFace> = {}): Quality {
  const box: Box = [0, 0, image.width, image.height];
  return qualityOf(image, { box, landmarks: straight, probability: 0.999, ...given }, byBox);
}

const sharpStripes = striped(100, (x) => (x % 4 < 2 ? 60 : 180));

describe('a face', () => {
  it('that is sharp, lit, straight and large has nothing to complain of', () => {
    const { reasons, score } = judged(sharpStripes);
    assert.deepEqual([reasons, score], [[], 1]);
  });

  it('without fine detail is blurred', () => {
    const soft = striped(100, (x) => 120 + 60 * Math.sin(x / 12));
    assert.deepEqual(judged(soft).reasons, ['The face is blurred.']);
  });

  it('in the dark, in glaring light or in fog says so', () => {
    const lit = (low: number, high: number): readonly string[] =>
      judged(striped(100, (x) => (x % 4 < 2 ? low : high))).reasons;
    assert.deepEqual(lit(10, 35), ['The face is too dark.']);
    assert.deepEqual(lit(255, 253), ['The face is overexposed.']);
    assert.deepEqual(lit(140, 158), ['The face has too little contrast.']);
  });

  it('of few pixels says how many', () => {
    const { size, reasons } = judged(striped(31, (x) => (x % 4 < 2 ? 60 : 180)));
    assert.ok(size < 0.5 && size > 0);
    assert.deepEqual(reasons, ['The face is small: 31 pixels.']);
  });

  it('of which the detector is not certain says so', () => {
    const { confidence, reasons } = judged(sharpStripes, { probability: 0.75 });
    assert.ok(confidence < 0.2);
    assert.deepEqual(reasons, ['It is not certain that this is a face.']);
  });

  it('with several faults names the worst first, and its score is the worst', () => {
    const { reasons, score, light, confidence } = judged(
      striped(100, (x) => (x % 4 < 2 ? 5 : 20)),
      { probability: 0.8 },
    );
    assert.deepEqual(reasons, ['The face is too dark.', 'It is not certain that this is a face.']);
    assert.ok(light < confidence);
    assert.equal(score, light);
  });

  it('that reaches out of the photo, or lies beside it, is judged without harm', () => {
    const within = judged(sharpStripes, { box: [-40, -40, 80, 80] });
    assert.deepEqual(within.reasons, []);
    const beside = judged(sharpStripes, { box: [300, 300, 400, 400] });
    assert.equal(beside.score, 0);
    assert.ok(beside.reasons.includes('The face is not in the photo.'));
    for (const box of [
      [10, 10, 10, 10],
      [Number.NaN, 0, 5, 5],
    ] as const) {
      assert.equal(judged(sharpStripes, { box }).score, 0);
    }
  });
});

/** Landmarks of a head in three dimensions, turned by degrees and seen from far away. */
function turnedHead(yaw: number, pitch: number, roll: number): DetectedFace['landmarks'] {
  const [y, p, r] = [yaw, pitch, roll].map((angle) => (angle * Math.PI) / 180) as [
    number,
    number,
    number,
  ];
  const head = [
    [-1, -1, 0],
    [1, -1, 0],
    [0, 0.26, 1.1],
    [-0.75, 1.1, 0],
    [0.75, 1.1, 0],
  ] as const;
  return head.map(([x, down, out]): Point => {
    const [x1, z1] = [x * Math.cos(y) + out * Math.sin(y), out * Math.cos(y) - x * Math.sin(y)];
    const y1 = down * Math.cos(p) - z1 * Math.sin(p);
    return [
      100 + 30 * (x1 * Math.cos(r) - y1 * Math.sin(r)),
      100 + 30 * (x1 * Math.sin(r) + y1 * Math.cos(r)),
    ];
  }) as unknown as DetectedFace['landmarks'];
}

describe('the pose', () => {
  it('is the angle by which a head was turned, raised or leant', () => {
    for (const angle of [-45, -20, 0, 20, 45]) {
      assert.ok(Math.abs(poseOf(turnedHead(angle, 0, 0)).yaw - angle) < 10);
      assert.ok(Math.abs(poseOf(turnedHead(0, angle, 0)).pitch - angle) < 12);
      assert.ok(Math.abs(poseOf(turnedHead(0, 0, angle)).roll - angle) < 1);
    }
  });

  it('does not mistake one turn for another', () => {
    const both = poseOf(turnedHead(30, 0, 25));
    assert.ok(Math.abs(both.yaw - 30) < 10 && Math.abs(both.pitch) < 8, JSON.stringify(both));
  });

  it('has a reason for each', () => {
    const reasonsOf = (...angles: [number, number, number]): readonly string[] =>
      judged(sharpStripes, { landmarks: turnedHead(...angles) }).reasons;
    assert.deepEqual(reasonsOf(0, 0, 0), []);
    assert.deepEqual(reasonsOf(-55, 0, 0), ['The head is turned to the side.']);
    assert.deepEqual(reasonsOf(0, 45, 0), ['The head is raised.']);
    assert.deepEqual(reasonsOf(0, -45, 0), ['The head is lowered.']);
    assert.deepEqual(reasonsOf(0, 0, 40), ['The head leans to one side.']);
  });

  it('of a leaning head costs nothing where faces are turned upright by their landmarks', () => {
    const face = {
      box: [0, 0, 100, 100],
      landmarks: turnedHead(0, 0, 40),
      probability: 1,
    } as const;
    assert.equal(qualityOf(sharpStripes, face, { alignment: 'landmarks' }).pose, 1);
  });

  it('of landmarks in one point is no number, and low', () => {
    const point: Point = [5, 5];
    const { pose } = judged(sharpStripes, { landmarks: [point, point, point, point, point] });
    assert.ok(pose >= 0 && pose <= 1);
  });
});

describe('a real photo', { skip: sharedMissing }, () => {
  const photos: { name: string; bytes: Buffer; face: DetectedFace }[] = [];
  before(async () => {
    for (const [name, { faces, boxes, probs, landmarks }] of readGolden('golden_parity.json')) {
      if (faces !== 1) continue;
      const face = { box: boxes[0], landmarks: landmarks[0], probability: probs[0] };
      photos.push({
        name,
        bytes: await readFile(parityPhotoPath(name)),
        face: face as unknown as DetectedFace,
      });
    }
  });

  const kept = new Map<string, { data: Buffer; info: OutputInfo }>();
  async function scaled(name: string, bytes: Buffer, scale: number) {
    const key = `${name} ${scale}`;
    const { width } = await sharp(bytes).metadata();
    const made =
      kept.get(key) ??
      (await sharp(bytes)
        .removeAlpha()
        .resize({ width: Math.round(width * scale) })
        .raw()
        .toBuffer({ resolveWithObject: true }));
    kept.set(key, made);
    return made;
  }

  /** @param width of the face, px */
  async function spoilt(
    width: number,
    spoil: (photo: Sharp, width: number) => Sharp,
  ): Promise<Map<string, Quality>> {
    const found = new Map<string, Quality>();
    for (const { name, bytes, face } of photos) {
      const scale = width / (face.box[2] - face.box[0]);
      const small = await scaled(name, bytes, scale);
      const { data, info } = await spoil(sharp(small.data, { raw: small.info }), width)
        .raw()
        .toBuffer({ resolveWithObject: true });
      const place = {
        ...face,
        box: face.box.map((one) => one * scale) as unknown as Box,
        landmarks: face.landmarks.map((point) => point.map((one) => one * scale)),
      } as unknown as DetectedFace;
      found.set(name, qualityOf({ ...info, data }, place, byBox));
    }
    assert.ok(found.size >= 3);
    return found;
  }

  it('of a large face is good', async () => {
    for (const [name, { score, reasons }] of await spoilt(200, (photo) => photo)) {
      assert.ok(score > 0.7, `${name}: ${score} ${reasons}`);
      assert.deepEqual(reasons, []);
    }
  });

  const spoils: [string, keyof Quality, RegExp, number, (photo: Sharp, width: number) => Sharp][] =
    [
      ['blurred', 'sharpness', /blurred/, 200, (photo, width) => photo.blur(0.03 * width)],
      ['blurred and small', 'sharpness', /blurred/, 60, (photo, width) => photo.blur(0.04 * width)],
      ['dark', 'light', /too dark/, 200, (photo) => photo.linear(0.12, 0)],
      ['overexposed', 'light', /overexposed/, 200, (photo) => photo.linear(4, 60)],
      ['in fog', 'light', /too little contrast/, 200, (photo) => photo.linear(0.1, 120)],
      ['tiny', 'size', /small: 2\d pixels/, 24, (photo) => photo],
    ];
  for (const [what, part, reason, width, spoil] of spoils) {
    it(`that is ${what} is low in ${part}, and says so`, async () => {
      for (const [name, quality] of await spoilt(width, spoil)) {
        assert.ok((quality[part] as number) < 0.5, `${name}: ${JSON.stringify(quality)}`);
        assert.match(quality.reasons.join(' '), reason, name);
      }
    });
  }

  it('is less sharp the more it is blurred, and darker the less light it has', async () => {
    const median = (found: Map<string, Quality>, part: 'sharpness' | 'light'): number =>
      [...found.values()].map((quality) => quality[part]).sort()[Math.floor(found.size / 2)]!;
    const blurs = [0.005, 0.01, 0.02, 0.03];
    const sharpness = [];
    for (const share of blurs) {
      sharpness.push(median(await spoilt(200, (p, w) => p.blur(share * w)), 'sharpness'));
    }
    assert.deepEqual(sharpness, sharpness.toSorted().reverse());
    const light = [];
    for (const share of [1, 0.4, 0.25, 0.12]) {
      light.push(median(await spoilt(200, (p) => p.linear(share, 0)), 'light'));
    }
    assert.deepEqual(light, light.toSorted().reverse());
  });
});
