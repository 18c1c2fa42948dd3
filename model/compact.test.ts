/**
 * The compact encoder as a whole: face-api's answers for the same crops, the same people near, strangers
 * far, and both engines alike.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { z } from 'zod';
import { findPortraits, type Portraits } from '../convert/sources/portraits.ts';
import { modelDirectory } from '../test/model.fixture.ts';
import { alignFaces } from './align/align.ts';
import { openNetworks } from './backend/open-networks.ts';
import { decodeImage } from './decode/decode.ts';
import { detectFaces } from './detect/cascade.ts';
import { BackendError, ModelError } from './errors.ts';
import { loadRecognizer } from './load-recognizer.ts';
import type { Backend, Networks } from './networks.ts';
import { parityPhotoPath, sharedMissing } from './shared.fixture.ts';

const landmarks = z.array(z.tuple([z.number(), z.number()]));
const referenceSchema = z.object({
  about: z.string(),
  faces: z.array(
    z.object({ photo: z.string(), landmarks, embedding: z.array(z.number()).length(128) }),
  ),
});
const reference = referenceSchema.parse(
  JSON.parse(readFileSync(join(import.meta.dirname, 'compact-reference.json'), 'utf8')),
);

const backends: readonly Backend[] = ['tensorflow', 'wasm'];

describe('the compact encoder', { timeout: 300_000 }, () => {
  let directory: string;
  let portraits: Portraits;
  const opened = new Map<Backend, Networks>();

  before(async () => {
    directory = await modelDirectory('compact');
    portraits = await findPortraits();
    for (const backend of backends) {
      try {
        opened.set(backend, await openNetworks(directory, { backend }));
      } catch (error) {
        if (!(error instanceof BackendError)) throw error;
      }
    }
  });
  after(() => {
    for (const networks of opened.values()) networks.dispose();
  });

  /** Undefined for a photo of ../shared where that is missing. */
  function photoPath(photo: string): string | undefined {
    const own = join(portraits.photos, photo);
    if (existsSync(own)) return own;
    return sharedMissing ? undefined : parityPhotoPath(photo);
  }

  const any = (): Networks => [...opened.values()][0] as Networks;

  /** Of the faces of a photo, largest first; every one or the largest. */
  async function embeddingsOf(path: string, all = false): Promise<Float32Array[]> {
    const networks = any();
    const image = await decodeImage(readFileSync(path));
    const found = detectFaces(networks, image);
    return found
      .slice(0, all ? undefined : 1)
      .map((face) => networks.embed(alignFaces(image, [face], networks.encoder), 1).slice());
  }

  for (const backend of backends) {
    for (const { photo, landmarks, embedding } of reference.faces) {
      test(`on ${backend} answers for ${photo} as face-api does`, async (context: TestContext) => {
        const networks = opened.get(backend);
        const path = photoPath(photo);
        if (networks === undefined) return context.skip(`${backend} does not run here`);
        if (path === undefined) return context.skip(sharedMissing || '');
        const image = await decodeImage(readFileSync(path));
        const five = landmarks as [
          (typeof landmarks)[0],
          (typeof landmarks)[0],
          (typeof landmarks)[0],
          (typeof landmarks)[0],
          (typeof landmarks)[0],
        ];
        const crop = alignFaces(image, [{ box: [0, 0, 1, 1], landmarks: five }], networks.encoder);
        const off = distance(networks.embed(crop, 1), embedding);
        assert.ok(off < 1e-3, `off by ${off}`);
      });
    }
  }

  test('has photos of one person within 0.6 and others beyond 0.45', async () => {
    const photos: [person: string, embedding: Float32Array][] = [];
    for (const [person, photo] of [
      ['Barack Obama', 'obama.jpg'],
      ['Barack Obama', 'obama2.jpg'],
      ['Barack Obama', 'obama3.jpg'],
      ['Joe Biden', 'biden.jpg'],
      ['Grace Hopper', 'grace_hopper.jpg'],
      ['Eileen Collins', 'astronaut.png'],
    ] as const) {
      const [embedding] = await embeddingsOf(join(portraits.photos, photo));
      photos.push([person, embedding!]);
    }
    for (const [at, [person, embedding]] of photos.entries()) {
      for (const [other, second] of photos.slice(0, at)) {
        const apart = distance(embedding, second);
        if (person === other) assert.ok(apart < 0.6, `${person} is ${apart} from himself`);
        else assert.ok(apart > 0.45, `${person} is ${apart} from ${other}`);
      }
    }
  });

  test('takes nobody in the reference photos for another', { skip: sharedMissing }, async () => {
    const photos = ['paul_rudd', 'angelina_jolie', 'kate_siegel', 'shea_whigham'];
    const faces: Float32Array[] = [];
    for (const photo of photos)
      faces.push(...(await embeddingsOf(parityPhotoPath(`${photo}.jpg`))));
    faces.push(...(await embeddingsOf(parityPhotoPath('multiface.jpg'), true)));
    assert.ok(faces.length >= 10, `${faces.length} faces`);
    for (const [at, face] of faces.entries()) {
      for (const other of faces.slice(0, at)) {
        const apart = distance(face, other);
        assert.ok(apart > 0.45, `two strangers are ${apart} apart`);
      }
    }
  });

  test('names a held-back photo, and says that a stranger is not known', async () => {
    const recognizer = await loadRecognizer(directory);
    try {
      const { knownDistance } = recognizer.encoder;
      assert.equal(recognizer.precision, 'float32');
      const recognize = async (photo: string) => {
        const bytes = readFileSync(join(portraits.photos, photo));
        const { faces } = await recognizer.recognize(bytes, { knownWithin: knownDistance });
        return faces[0]!;
      };
      const held = await recognize('obama2.jpg');
      assert.equal(held.embedding.length, 128);
      assert.deepEqual([held.nearest[0]?.name, held.known], ['Barack Obama', true]);
      assert.equal(held.nearest[1]!.distance > knownDistance, true, 'nobody else would be known');
    } finally {
      recognizer.dispose();
    }
  });

  test('refuses bfloat16 in words', async () => {
    await assert.rejects(
      loadRecognizer(directory, { precision: 'bfloat16' }),
      (error) => error instanceof ModelError && /compact.*float32 only/.test(error.message),
    );
  });
});

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (a[at]! - b[at]!) ** 2;
  return Math.sqrt(sum);
}
