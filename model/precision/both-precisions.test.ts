/**
 * Both precisions give the same names, on photos of people in the gallery and of strangers. The
 * bfloat16 graph runs on any processor, on most of them slowly: few photos.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { modelDirectory } from '../../test/model.fixture.ts';
import { manifestSchema, modelFiles } from '../format.ts';
import {
  BackendError,
  largestFace,
  loadRecognizer,
  type Recognition,
  type Recognizer,
} from '../index.ts';
import { courseImages, parityPhotoPath, readGolden, sharedMissing } from '../shared.fixture.ts';

/** The bound has a margin: what is seen here lies well below it. */
const SHARE_OF_BOUND = 0.8;
/** A second look may be computed by other kernels than float32 alone. */
const OF_OTHER_KERNELS = 5e-6;

describe('in bfloat16', { timeout: 240_000, skip: sharedMissing }, () => {
  let exact: Recognizer;
  let rough: Recognizer | undefined;
  let bound = 0;
  let unavailable = '';
  before(async () => {
    const directory = await modelDirectory();
    const manifest = JSON.parse(await readFile(join(directory, modelFiles.manifest), 'utf8'));
    bound = manifestSchema.parse(manifest).bfloat16Bound ?? 0;
    try {
      exact = await loadRecognizer(directory, { backend: 'tensorflow', precision: 'float32' });
      rough = await loadRecognizer(directory, { backend: 'tensorflow', precision: 'bfloat16' });
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      unavailable = error.message;
    }
  });
  after(() => {
    exact?.dispose();
    rough?.dispose();
  });

  test('every photo gets the name of float32, and no distance moves beyond the bound', async (context) => {
    if (rough === undefined) return context.skip(unavailable);
    assert.deepEqual([exact.precision, rough.precision], ['float32', 'bfloat16']);
    const distinct = new Map(
      [...courseImages(100).values()].map((bytes) => [
        createHash('sha256').update(bytes).digest('hex'),
        bytes,
      ]),
    );
    const photos = [
      ...distinct.values(),
      ...(await Promise.all(
        readGolden('golden_parity.json').map(([name]) => readFile(parityPhotoPath(name))),
      )),
    ];
    assert.equal(photos.length, 15);
    const answers = await rough.recognizeAll(photos, { top: 3 });
    let twice = 0;
    for (const [index, answer] of answers.entries()) {
      assert.ok(!(answer instanceof Error));
      twice += answer.embeddedTwice;
      const expected: Recognition = await exact.recognize(photos[index]!, { top: 1000 });
      const [found, right] = [largestFace(answer)!, largestFace(expected)!];
      assert.equal(found.nearest[0]!.name, right.nearest[0]!.name);
      assert.equal(found.nearest.length, 3);
      // One that was embedded twice is as exact as float32's.
      const off = Math.hypot(...found.embedding.map((value, at) => value - right.embedding[at]!));
      if (answer.embeddedTwice === 1) assert.ok(off < OF_OTHER_KERNELS, `${off}`);
      const most = answer.embeddedTwice === 1 ? OF_OTHER_KERNELS : SHARE_OF_BOUND * bound;
      for (const { name, distance } of found.nearest) {
        const there = right.nearest.find((neighbour) => neighbour.name === name)!;
        const moved = Math.abs(there.distance - distance);
        assert.ok(moved <= most, `${moved}`);
      }
    }
    // By odds: at the distance of each photo itself, where bfloat16 alone would often be wrong.
    for (const [index, photo] of photos.slice(0, 4).entries()) {
      const [{ distance = 1 } = {}] = largestFace(await exact.recognize(photo))!.nearest;
      for (const shift of [-1e-5, 1e-5]) {
        const knownOdds = exact.odds.of(distance + shift);
        const right = await exact.recognize(photo, { knownOdds });
        const found: Recognition = await rough.recognize(photo, { knownOdds });
        assert.equal(largestFace(found)!.known, largestFace(right)!.known, `photo ${index}`);
        assert.equal(largestFace(right)!.known, shift > 0);
      }
    }
    context.diagnostic(`${twice} of ${photos.length} embedded twice, bound ${bound}`);
  });
});
