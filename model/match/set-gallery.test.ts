/** A gallery is replaced between two photos; each answer says which one it was compared with. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { modelDirectory } from '../../test/model.fixture.ts';
import {
  FaceBlock,
  GalleryMatcher,
  loadRecognizer,
  ModelError,
  type Recognizer,
} from '../index.ts';
import { courseImages, sharedMissing } from '../shared.fixture.ts';
import { unitVectors } from './vectors.fixture.ts';

const id = '00000000-0000-4000-8000-000000000001';

let recognizer: Recognizer;
before(async () => {
  recognizer = await loadRecognizer(await modelDirectory(), { precision: 'float32' });
});
after(() => recognizer.dispose());

function galleryOf(version: number, embedding: Float32Array): GalleryMatcher {
  const { embeddingLength } = recognizer.encoder;
  const block = FaceBlock.of(embedding, embeddingLength);
  const people = [{ id, name: `Ada ${version}` }];
  return new GalleryMatcher({
    version,
    blocks: [{ block, personOf: Uint32Array.of(0) }],
    people,
  });
}

test('photos in work keep the gallery they began with', {
  skip: sharedMissing,
}, async (context) => {
  const own = recognizer.gallery;
  context.after(() => recognizer.setGallery(own));
  const photo = courseImages(100).get('test_00.jpg')!;
  const begun = recognizer.recognizeAll([photo, photo]);
  const embedding = unitVectors(1, 1).subarray(0, recognizer.encoder.embeddingLength);
  recognizer.setGallery(galleryOf(12, embedding));
  const later = recognizer.recognize(photo, { knownWithin: 0.1 });
  recognizer.setGallery(new GalleryMatcher({ version: 13, blocks: [], people: [] }));
  for (const answer of await begun) {
    assert.ok(!(answer instanceof Error));
    assert.equal(answer.gallery, 0);
    assert.equal(answer.faces[0]!.nearest.length, 3);
    assert.equal(answer.faces[0]!.nearest[0]!.name, 'Paul');
  }
  const { gallery, faces } = await later;
  assert.equal(gallery, 12);
  assert.equal(faces[0]!.known, false);
  assert.deepEqual(
    faces[0]!.nearest.map(({ person, name }) => [person, name]),
    [[id, 'Ada 12']],
  );
  const nobody = await recognizer.recognize(photo, { knownWithin: 1 });
  assert.equal(nobody.gallery, 13);
  assert.deepEqual([nobody.faces[0]!.nearest, nobody.faces[0]!.known], [[], false]);
  assert.equal(recognizer.people, 0);
});

test('the version is answered for a photo without a face too', async () => {
  const plain = await sharp({
    create: { width: 60, height: 50, channels: 3, background: '#888' },
  })
    .png()
    .toBuffer();
  assert.equal((await recognizer.recognize(plain)).gallery, 0);
});

test('a gallery of another encoder is refused, and the old one stays', () => {
  const own = recognizer.gallery;
  const other = new GalleryMatcher({
    version: 5,
    blocks: [{ block: FaceBlock.of(new Float32Array(7), 7), personOf: Uint32Array.of(0) }],
    people: [{ name: 'Ada' }],
  });
  assert.throws(
    () => recognizer.setGallery(other),
    (error) => {
      assert.ok(error instanceof ModelError);
      assert.match(error.message, /version 5 holds embeddings of 7 numbers.*enrol/);
      return true;
    },
  );
  assert.equal(recognizer.gallery, own);
});
