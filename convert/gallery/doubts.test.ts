import assert from 'node:assert/strict';
import { test } from 'node:test';
import { galleryDoubts } from './doubts.ts';

/** A photo whose embedding is a point of a plane: distances are those of a drawing. */
function photo(path: string, x: number, y: number, faceWidth = 200) {
  const embedding = new Float32Array(512);
  embedding.set([x, y]);
  return { path, person: path.split('/')[0]!, faceWidth, turned: 0 as const, embedding };
}

test('people whose photos lie together and apart from others raise no doubt', () => {
  const photos = [photo('Ada/1', 0, 0), photo('Ada/2', 0.4, 0), photo('Bob/1', 1.2, 0)];
  assert.deepEqual(galleryDoubts(photos, 'facenet'), []);
});

test('a photo nearer to another person’s than to the own ones is named, with both distances', () => {
  const photos = [
    photo('Ada/1', 0, 0),
    photo('Ada/2', 0.3, 0),
    photo('Ada/3', 1.2, 0),
    photo('Bob/1', 1.2, 0.5),
    photo('Bob/2', 1.2, 0.6),
  ];
  assert.deepEqual(galleryDoubts(photos, 'facenet'), [
    'Ada/3 is nearer to Bob/1 (0.50) than to the other photos of Ada (0.90): whose is it?',
  ]);
});

test('two people of one photo each that are as near as one person are named', () => {
  const doubts = galleryDoubts([photo('Ada/1', 0, 0), photo('Bob/1', 0.5, 0)], 'facenet');
  assert.deepEqual(doubts, [
    'Ada/1 is nearer to Bob/1 (0.50) than different people are: is it one person?',
    'Bob/1 is nearer to Ada/1 (0.50) than different people are: is it one person?',
  ]);
});

test('a face of few pixels is named', () => {
  assert.deepEqual(
    galleryDoubts([photo('Ada/1', 0, 0, 24.7), photo('Ada/2', 0, 0, 40)], 'facenet'),
    ['Ada/1 has a face of 25 pixels only: 40 should be the least'],
  );
});

test('of thousands of photos those are named that a comparison of each with all would name', () => {
  let seed = 1;
  const random = (): number => {
    seed = (seed * 16807) % 2147483647;
    return seed / 2147483647;
  };
  const photos = Array.from({ length: 5000 }, (_, at) => {
    const embedding = Float32Array.from({ length: 128 }, () => random() / 8);
    return {
      path: `${at}`,
      person: `person ${at % 1700}`,
      faceWidth: 200,
      turned: 0 as const,
      embedding,
    };
  });
  const doubts = galleryDoubts(photos, 'compact');
  const distance = (a: Float32Array, b: Float32Array): number =>
    Math.sqrt(a.reduce((sum, value, at) => sum + (value - b[at]!) ** 2, 0));
  for (const photo of photos.slice(0, 20)) {
    const others = photos.filter((other) => other !== photo);
    const least = (from: typeof photos): (typeof photos)[number] =>
      from.reduce((best, one) =>
        distance(one.embedding, photo.embedding) < distance(best.embedding, photo.embedding)
          ? one
          : best,
      );
    const own = least(others.filter(({ person }) => person === photo.person));
    const strange = least(others.filter(({ person }) => person !== photo.person));
    const isDoubtful =
      distance(strange.embedding, photo.embedding) < distance(own.embedding, photo.embedding);
    const [said] = doubts.filter((doubt) => doubt.startsWith(`${photo.path} is nearer`));
    assert.equal(said !== undefined, isDoubtful);
    if (said) assert.ok(said.startsWith(`${photo.path} is nearer to ${strange.path} (`), said);
  }
});

test('a photo that lies on its side is named with the turn that was made', () => {
  const photos = [photo('Ada/1', 0, 0), { ...photo('Ada/2', 0.3, 0), turned: 270 as const }];
  assert.deepEqual(galleryDoubts(photos, 'facenet'), [
    'Ada/2 has its face upright only when turned by 270°: it was turned',
  ]);
});
