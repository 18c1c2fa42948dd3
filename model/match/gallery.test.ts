/** A gallery that is missing or does not fit is refused with a sentence that says what to do. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ModelError } from '../errors.ts';
import { readGallery } from './gallery.ts';

const LENGTH = 512;

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'elastic-face-gallery-'));
});
after(() => rm(directory, { recursive: true }));

async function write(json: unknown, values: number): Promise<void> {
  const text = typeof json === 'string' ? json : JSON.stringify(json);
  await writeFile(join(directory, 'gallery.json'), text);
  const embeddings = Float32Array.from({ length: values }, (_, index) => index / 1024);
  await writeFile(join(directory, 'gallery.bin'), new Uint8Array(embeddings.buffer));
}

test('names and embeddings come back as they were written', async () => {
  await write({ encoder: 'facenet', dimensions: 512, names: ['Ada', 'Ben'] }, 2 * LENGTH);
  const { encoder, names, embeddings } = await readGallery(directory);
  assert.equal(encoder, 'facenet');
  assert.deepEqual(names, ['Ada', 'Ben']);
  assert.equal(embeddings.length, 1024);
  assert.equal(embeddings[512], 0.5);
});

test('a folder without a gallery is refused with the command that makes one', async () => {
  await assert.rejects(readGallery(join(directory, 'nowhere')), (error) => {
    assert.ok(error instanceof ModelError);
    assert.match(error.message, /gallery\.json.*npm run convert/);
    assert.ok(error.cause);
    return true;
  });
});

for (const [what, json] of [
  ['text that is no JSON', '{"dimensions": 512, "na'],
  ['no dimensions', { encoder: 'facenet', dimensions: 0, names: ['Ada'] }],
  ['an encoder that does not exist', { encoder: 'arcface', dimensions: 512, names: ['Ada'] }],
  ['no people', { encoder: 'facenet', dimensions: 512, names: [] }],
] as const) {
  test(`a gallery with ${what} is refused`, async () => {
    await write(json, LENGTH);
    await assert.rejects(readGallery(directory), {
      name: 'ModelError',
      message: /not a gallery.*npm run convert/,
    });
  });
}

test('embeddings of another number of people are refused', async () => {
  await write({ encoder: 'facenet', dimensions: 512, names: ['Ada', 'Ben'] }, LENGTH);
  await assert.rejects(readGallery(directory), {
    name: 'ModelError',
    message: /2048 bytes where 2 people's embeddings take 4096/,
  });
});
