/** The inference process searches what a head lists, small segments and large ones alike, or keeps what it had. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { FaceBlock, GalleryMatcher, openFaceFile } from '../../model/index.ts';
import type { GalleryHead, SegmentRef } from '../../people/head.ts';
import { face, person } from '../../people/people.fixture.ts';
import { encodeSegment, refOf } from '../../people/segment.ts';
import { SegmentCache } from '../gallery/segment-cache.ts';
import { LiveGallery } from './live-gallery.ts';

const LENGTH = 128;
const encoder = { id: 'facenet', embeddingLength: LENGTH };

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'elastic face live-'));
});
after(() => rm(folder, { recursive: true }));

const gallery = (): LiveGallery =>
  new LiveGallery({
    blockOf: (embeddings, length) => FaceBlock.of(embeddings, length),
    openFile: openFaceFile,
    matcherOf: (parts) => new GalleryMatcher(parts),
    encoder,
  });

const headOf = (version: number, segments: SegmentRef[], removed: string[] = []): GalleryHead => ({
  ...{ format: 1, encoder: 'facenet', length: LENGTH, version, base: null },
  ...{ id: randomUUID(), removedFromBase: [], people: 0, faces: 0 },
  ...{ segments, removed, at: new Date().toISOString(), change: 'test' },
});

/** A segment of people with one face each, on the disk as the cache keeps it. */
async function segmentOf(count: number) {
  const people = Array.from({ length: count }, (_, at) => person(`person ${at} of ${count}`));
  const embedding = (): Float32Array => Float32Array.from({ length: LENGTH }, Math.random);
  const faces = people.map((one) => face(one, { embedding: embedding() }));
  const bytes = encodeSegment(people, faces, 'facenet', LENGTH);
  const ref = refOf(randomUUID(), bytes, { people: count, faces: count, length: LENGTH });
  const file = join(folder, `${ref.sha256}.bin`);
  await writeFile(file, bytes);
  return { people, faces, ref, file };
}

async function swapped(live: LiveGallery, head: GalleryHead, files: string[]) {
  const used: GalleryMatcher[] = [];
  await live.swap({ head, files }, (matcher) => used.push(matcher));
  return used[0]!;
}

test('a small and a large segment are searched as one gallery', async () => {
  const [small, large] = [await segmentOf(3), await segmentOf(5000)];
  const live = gallery();
  const files = [small.file, large.file];
  const first = await swapped(live, headOf(1, [small.ref, large.ref]), files);
  assert.equal(first.people, 5003);
  for (const { people, faces } of [small, large]) {
    const [found] = first.nearest(faces[1]!.embedding, 1);
    assert.deepEqual([found?.person, found?.distance], [people[1]!.id, 0]);
  }
  // Without the large segment, and with one of the small one's people removed.
  const [gone] = small.people;
  const second = await swapped(live, headOf(2, [small.ref], [gone!.id]), [small.file]);
  assert.deepEqual([second.version, second.people], [2, 2]);
  assert.equal(second.distanceTo(small.faces[0]!.embedding, gone!.id), undefined);
});

test('a large segment that was changed on the disk is refused, also one that was searched before', async () => {
  const { ref, file } = await segmentOf(5000);
  await swapped(gallery(), headOf(1, [ref]), [file]);
  const handle = await open(file, 'r+');
  await handle.write(Buffer.of(1), 0, 1, ref.bytes - 1);
  await handle.close();
  const swap = gallery().swap({ head: headOf(1, [ref]), files: [file] }, () => assert.fail());
  await assert.rejects(swap, { name: 'SegmentError', message: /not the one that the head lists/ });
});

test('what is kept beside a segment is deleted with it', async () => {
  const { ref, file } = await segmentOf(5000);
  await swapped(gallery(), headOf(1, [ref]), [file]);
  const beside = async () => (await readdir(folder)).filter((name) => name.includes(ref.sha256));
  const files = ['.bin', '.bin.checked', '.bin.index', '.bin.index.checked'].filter(
    (name) => process.platform === 'linux' || !name.endsWith('.checked'),
  );
  assert.deepEqual(
    (await beside()).sort(),
    files.map((name) => ref.sha256 + name),
  );
  const cache = new SegmentCache({ folder, unreferencedMs: 0, open: () => assert.fail() });
  await cache.sweep([ref]);
  assert.equal((await beside()).length, files.length);
  await cache.sweep([]);
  assert.deepEqual(await beside(), []);
});
