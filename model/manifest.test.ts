import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FORMAT_VERSION, modelFiles } from './format.ts';
import { readManifest } from './manifest.ts';

const encoder = {
  ...{ kind: 'facenet', faceSize: 160, alignment: 'box', embeddingLength: 512, normalised: true },
  ...{ precisions: ['float32', 'bfloat16'], knownDistance: 0.8 },
};
const manifest = { format: FORMAT_VERSION, inputs: [], outputs: [], encoder, weights: 'float32' };

test('a model with timings of another version’s trial is read without them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'elastic-face-manifest-'));
  try {
    const machine = { trial: 3, processor: 'a', features: '', tensorflow: '2', threads: 1 };
    const timings = { machine, float32: 8, own: 7, bfloat16: 6, ownBfloat16: 5 };
    await writeFile(join(folder, modelFiles.manifest), JSON.stringify({ ...manifest, timings }));
    const read = await readManifest(folder);
    assert.equal(read.timings, undefined);
    assert.deepEqual(read.encoder, encoder);
  } finally {
    await rm(folder, { recursive: true });
  }
});
