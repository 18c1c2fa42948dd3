import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import sharp from 'sharp';
import { parityPhotoPath, sharedMissing } from '../../model/shared.fixture.ts';
import { modelDirectory } from '../../test/model.fixture.ts';
import { benchInference } from './inference.ts';

it('measures this project and tfjs on one photo, all with the same answers', {
  timeout: 180_000,
  skip: process.env.BENCH === 'full' ? sharedMissing : 'a whole bench: BENCH=full runs it',
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'elastic-face-'));
  const before = process.env.MODEL_DIR;
  try {
    process.env.MODEL_DIR = await modelDirectory();
    const photo = join(folder, 'photo.jpg');
    await sharp(parityPhotoPath('paul_rudd.jpg')).resize(120).jpeg().toFile(photo);
    const { parties, sets } = await benchInference({
      quick: true,
      parties: ['own-float32', 'tfjs-wasm-unfolded'],
      threads: 1,
      only: [{ name: 'own', label: 'one photo', paths: [photo] }],
      labelled: [],
      plan: {
        counts: [1],
        encoderRounds: 1,
        photoRounds: { course: 0, small: 0, large: 0, portraits: 0, samples: 0, own: 1 },
        onStep: () => {},
      },
      onStep: () => {},
    });
    assert.deepEqual(sets, [{ name: 'own', label: 'one photo', photos: 1 }]);
    assert.deepEqual(
      parties.map(({ skipped }) => skipped),
      [undefined, undefined],
    );
    for (const { encoder, distance } of parties) {
      assert.ok(encoder[1]! > 0);
      assert.ok(distance! < 1e-5, `distance ${distance}`);
    }
    const steps = parties[0]!.photos.own!;
    for (const step of ['decode', 'detect', 'embed', 'match', 'whole'] as const) {
      assert.ok(steps[step] > 0, `${step}: ${steps[step]} ms`);
    }
    assert.ok(parties[0]!.batched.own! > 0);
    assert.equal(parties[1]!.photos.own, undefined);
  } finally {
    if (before === undefined) delete process.env.MODEL_DIR;
    else process.env.MODEL_DIR = before;
    await rm(folder, { recursive: true });
  }
});
