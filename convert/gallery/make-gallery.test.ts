import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readGallery } from '../../model/match/gallery.ts';
import { writeGallery } from './make-gallery.ts';

test('a gallery is read back as it was written', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'elastic-face-gallery-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const gallery = {
    encoder: 'facenet' as const,
    names: ['Ada', 'Ada', 'Zoë'],
    embeddings: Float32Array.from({ length: 3 * 512 }, (_, at) => Math.sin(at)),
  };
  await writeGallery(folder, gallery);
  assert.deepEqual(await readGallery(folder), gallery);
});
