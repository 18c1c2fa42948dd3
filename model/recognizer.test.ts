/**
 * The whole recogniser on the real model: on both backends the answers that PyTorch gives, and clear
 * errors where there is nothing to answer with.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, parse } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import sharp from 'sharp';
import { modelDirectory } from '../test/model.fixture.ts';
import {
  type Backend,
  BackendError,
  ImageError,
  largestFace,
  loadRecognizer,
  ModelError,
  type Recognition,
  type Recognizer,
} from './index.ts';
import {
  courseImages,
  courseNames,
  type Golden,
  parityPhotoPath,
  readGolden,
  sharedMissing,
} from './shared.fixture.ts';

/** The figures. */
const PIXELS = 0.1;
const PROBABILITY = 1e-4;
const EMBEDDING = 1e-3;
const MEDIAN_EMBEDDING = 1e-5;
const DISTANCE = 1e-4;

function largestDifference(actual: readonly number[], expected: readonly number[]): number {
  assert.equal(actual.length, expected.length);
  return Math.max(...actual.map((value, index) => Math.abs(value - expected[index]!)));
}

/** Checks everything but the embedding's median. @returns how far the embedding is (L2) */
function assertGolden(name: string, recognition: Recognition, golden: Golden): number {
  assert.deepEqual([recognition.width, recognition.height], [golden.width, golden.height]);
  assert.equal(recognition.faces.length, golden.faces, `faces of ${name}`);
  for (const [index, face] of recognition.faces.entries()) {
    const where = `face ${index} of ${name}`;
    assert.ok(largestDifference(face.box, golden.boxes[index]!) < PIXELS, `box of ${where}`);
    const landmarks = largestDifference(face.landmarks.flat(), golden.landmarks[index]!.flat());
    assert.ok(landmarks < PIXELS, `landmarks of ${where} are ${landmarks} px off`);
    const probability = Math.abs(face.probability - golden.probs[index]!);
    assert.ok(probability < PROBABILITY, `probability of ${where} is ${probability} off`);
  }
  const largest = largestFace(recognition);
  assert.ok(largest !== undefined);
  const nearest = largest.nearest.map((neighbour) => neighbour.name);
  assert.deepEqual(
    nearest,
    golden.nearest.map((neighbour) => neighbour.name),
  );
  for (const [index, { distance }] of largest.nearest.entries()) {
    assert.ok(Math.abs(distance - golden.nearest[index]!.distance) < DISTANCE, `${distance}`);
  }
  const off = Math.hypot(...largest.embedding.map((value, at) => value - golden.embedding[at]!));
  assert.ok(off < EMBEDDING, `embedding of ${name} is ${off} off`);
  return off;
}

/** What is answered when only the largest face is asked for. */
function assertLargest(name: string, { faces }: Recognition, golden: Golden): void {
  assert.equal(faces.length, 1, name);
  const { box, probability, nearest } = faces[0]!;
  assert.ok(largestDifference(box, golden.boxes[0]!) < PIXELS, `largest box of ${name}`);
  assert.ok(Math.abs(probability - golden.probs[0]!) < PROBABILITY, name);
  assert.equal(nearest[0]!.name, golden.nearest[0]!.name);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** A photo without a face that every backend can be asked about. */
function plainPhoto(): Promise<Buffer> {
  return sharp({ create: { width: 120, height: 90, channels: 3, background: '#8090a0' } })
    .jpeg()
    .toBuffer();
}

for (const backend of ['tensorflow', 'wasm'] as const satisfies Backend[]) {
  describe(`on ${backend}`, () => {
    let recognizer: Recognizer | undefined;
    let unavailable = '';

    before(async () => {
      try {
        // The reference answers are float32's; model/precision/both-precisions.test.ts holds bfloat16 to the same names.
        const options = { backend, warmUp: true, precision: 'float32' } as const;
        recognizer = await loadRecognizer(await modelDirectory(), options);
      } catch (error) {
        if (!(error instanceof BackendError)) throw error;
        unavailable = error.message;
      }
    });
    after(() => recognizer?.dispose());

    /** The recognizer, or a skipped test on a machine without this backend. */
    function loaded(context: TestContext): Recognizer | undefined {
      if (recognizer === undefined) context.skip(unavailable);
      return recognizer;
    }

    test('the reference photos get PyTorch’s answers', { skip: sharedMissing }, async (context) => {
      const subject = loaded(context);
      if (subject === undefined) return;
      const off: number[] = [];
      for (const [name, golden] of readGolden('golden_parity.json')) {
        const bytes = await readFile(parityPhotoPath(name));
        const options = { orient: false, allFaces: true };
        off.push(assertGolden(name, await subject.recognize(bytes, options), golden));
        assertLargest(name, await subject.recognize(bytes, { orient: false }), golden);
      }
      assert.equal(off.length, 5);
      assert.ok(median(off) < MEDIAN_EMBEDDING, `median embedding is ${median(off)} off`);
    });

    test('all 1000 course images are named right', { skip: sharedMissing }, async (context) => {
      const subject = loaded(context);
      if (subject === undefined) return;
      const golden = new Map(readGolden('golden_course.json'));
      const expected = courseNames(1000);
      // The thousand are ten photos under many names: equal bytes are asked about once.
      const answers = new Map<string, Recognition>();
      const off: number[] = [];
      let right = 0;
      for (const [name, bytes] of courseImages(1000)) {
        const digest = createHash('sha256').update(bytes).digest('hex');
        const recognition: Recognition =
          answers.get(digest) ?? (await subject.recognize(bytes, { orient: false }));
        answers.set(digest, recognition);
        const pinned = golden.get(name);
        if (pinned !== undefined) off.push(assertGolden(name, recognition, pinned));
        const found = largestFace(recognition)?.nearest[0]?.name;
        assert.equal(found, expected.get(parse(name).name), name);
        right++;
      }
      assert.equal(right, 1000);
      assert.equal(off.length, golden.size);
      assert.ok(median(off) < MEDIAN_EMBEDDING, `median embedding is ${median(off)} off`);
    });

    test('every face is recognised when asked for', { skip: sharedMissing }, async (context) => {
      const subject = loaded(context);
      if (subject === undefined) return;
      const bytes = await readFile(parityPhotoPath('multiface.jpg'));
      const { faces } = await subject.recognize(bytes, { allFaces: true, top: 5 });
      assert.equal(faces.length, 6);
      for (const face of faces) {
        assert.equal(face.nearest.length, 5);
        assert.ok(Math.abs(Math.hypot(...face.embedding) - 1) < 1e-5);
      }
      // A face among others gets the embedding it gets alone.
      const largestOnly = await subject.recognize(bytes);
      assert.equal(largestOnly.faces.length, 1);
      const [together, alone] = [faces[0], largestFace(largestOnly)];
      assert.ok(largestDifference([...together!.embedding], [...alone!.embedding]) < 1e-5);
    });

    test('photos together get the answers they get alone', {
      skip: sharedMissing,
    }, async (context) => {
      const subject = loaded(context);
      if (subject === undefined) return;
      const photos = [
        courseImages(100).get('test_00.jpg')!,
        Buffer.from('no image'),
        await plainPhoto(),
        await readFile(parityPhotoPath('multiface.jpg')),
        courseImages(100).get('test_01.jpg')!,
      ];
      const options = { allFaces: true, top: 2 };
      const together = await subject.recognizeAll(photos, options);
      assert.equal(together.length, photos.length);
      assert.ok(together[1] instanceof ImageError);
      for (const [index, answer] of together.entries()) {
        if (answer instanceof Error) continue;
        const alone = await subject.recognize(photos[index]!, options);
        assert.equal(answer.faces.length, alone.faces.length);
        assert.equal(answer.embeddedTwice, 0);
        for (const [row, face] of answer.faces.entries()) {
          const other = alone.faces[row]!;
          assert.deepEqual(face.box, other.box);
          assert.ok(largestDifference([...face.embedding], [...other.embedding]) < 1e-6);
          assert.deepEqual(
            face.nearest.map(({ name }) => name),
            other.nearest.map(({ name }) => name),
          );
        }
      }
      assert.deepEqual(await subject.recognizeAll([]), []);
    });

    test('a turned photo is recognised upright', { skip: sharedMissing }, async (context) => {
      const subject = loaded(context);
      if (subject === undefined) return;
      const upright = await subject.recognize(courseImages(100).get('test_00.jpg')!);
      // Losslessly stored on its side, with the EXIF orientation that says so.
      const turned = await sharp(courseImages(100).get('test_00.jpg')!, { ignoreIcc: true })
        .rotate(270)
        .png()
        .withMetadata({ orientation: 6 })
        .toBuffer();
      const found = await subject.recognize(turned);
      assert.deepEqual(found.faces[0]?.box, upright.faces[0]!.box);
      assert.equal(largestFace(found)!.nearest[0]!.name, 'Paul');
    });

    test('a photo without a face has no faces, which is no error', async (context) => {
      const subject = loaded(context);
      if (subject === undefined) return;
      const recognition = await subject.recognize(await plainPhoto());
      assert.deepEqual([recognition.width, recognition.height], [120, 90]);
      assert.deepEqual(recognition.faces, []);
      assert.equal(largestFace(recognition), undefined);
      for (const step of Object.values(recognition.timings)) assert.ok(step >= 0);
    });

    test('bytes that are no image are an ImageError, and the next photo is answered', async (context) => {
      const subject = loaded(context);
      if (subject === undefined) return;
      await assert.rejects(subject.recognize(Buffer.from('no image')), ImageError);
      assert.deepEqual((await subject.recognize(await plainPhoto())).faces, []);
    });
  });
}

test('a recognizer that was disposed of refuses photos', async () => {
  const recognizer = await loadRecognizer(await modelDirectory(), { backend: 'wasm' });
  assert.equal(recognizer.backend, 'wasm');
  assert.ok(recognizer.people > 0);
  await assert.rejects(recognizer.recognize(await plainPhoto(), { top: 0 }), RangeError);
  recognizer.dispose();
  recognizer.dispose();
  await assert.rejects(recognizer.recognize(await plainPhoto()), /disposed/);
});

test('a folder without a model is refused with the command that makes one', async () => {
  await assert.rejects(loadRecognizer(join(tmpdir(), 'no model here')), (error) => {
    assert.ok(error instanceof ModelError);
    assert.match(error.message, /no converted model in .*no model here.*npm run convert/);
    return true;
  });
});

test('a model of another format is refused, with the command that converts it again', async (context) => {
  const directory = await mkdtemp(join(tmpdir(), 'elastic-face-model-'));
  context.after(() => rm(directory, { recursive: true }));
  for (const manifest of ['{"format":0,"inputs":[],"outputs":[]}', '{"form', '[]']) {
    await writeFile(join(directory, 'manifest.json'), manifest);
    await assert.rejects(loadRecognizer(directory), {
      name: 'ModelError',
      message: /not of format \d+, which this version reads.*npm run convert/,
    });
  }
});
