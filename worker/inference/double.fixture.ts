/**
 * An inference program without a model, for tests of everything around it: a photo is a text that says
 * what is to happen, e.g. `who 1,0,0,0` an embedding to look for in the live gallery. The first argument is a folder in which each computed photo leaves a line; the
 * second may say how starting fails.
 */
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ModelError } from '../../model/errors.ts';
import { FaceBlock } from '../../model/match/face-block.ts';
import { openFaceFile } from '../../model/match/face-file.ts';
import { GalleryMatcher } from '../../model/match/gallery-matcher.ts';
import { overwriteFreedMemory } from './freed-memory.ts';
import { LiveGallery } from './live-gallery.ts';
import type { Answer, GalleryFiles, PeopleAnswer, PeopleTask } from './protocol.ts';
import { serveInference } from './serve.ts';

const [folder = '', start = ''] = process.argv.slice(2);

overwriteFreedMemory();
let matcher: GalleryMatcher | undefined;
const gallery = new LiveGallery({
  blockOf: (embeddings, length) => FaceBlock.of(embeddings, length),
  openFile: openFaceFile,
  matcherOf: (parts) => new GalleryMatcher(parts),
  encoder: { id: 'double', embeddingLength: 4 },
});

/** Holds the event loop, as the model does. */
function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function compute(photo: string): Answer {
  // The web tier takes nothing that does not begin as an image does.
  const [what = '', argument = ''] = photo.replace(/^GIF89a /, '').split(' ');
  const timings = { embed: 1 };
  appendFileSync(join(folder, 'computed'), `${photo}\n`);
  switch (what) {
    case 'face':
      return { outcome: { match: match(argument) }, timings };
    case 'who':
      return { outcome: { match: nearest(argument) }, timings };
    case 'noface':
      return { outcome: { refusal: { reason: 'no-face', message: 'No face here.' } }, timings };
    case 'notimage':
      return { outcome: { refusal: { reason: 'image', message: 'Not an image.' } }, timings };
    case 'held':
      while (!existsSync(join(folder, argument))) pause(5);
      return { outcome: { match: match(argument) }, timings };
    case 'crash':
      process.kill(process.pid, 'SIGKILL');
      pause(60_000);
      throw new Error('still alive');
    case 'hang':
      for (;;) pause(60_000);
    default:
      throw new Error(`out of memory at '${what}'`);
  }
}

function nearest(numbers: string) {
  const version = { gallery: matcher?.version ?? 0 };
  const [best] = matcher?.nearest(Float32Array.from(numbers.split(','), Number), 1) ?? [];
  return { ...match(best?.name ?? 'nobody'), ...best, ...version };
}

/** Its photos may be any photo of a `compute`; a result says what a search would find for the first. */
async function perform({ people, inputs }: PeopleTask): Promise<PeopleAnswer> {
  for (const bytes of inputs) compute(Buffer.from(bytes).toString());
  const result = { id: people.id, gallery: matcher?.version ?? 0, encoder: 'double', photos: [] };
  return { result: JSON.stringify(result), timings: { model: 1 } };
}

async function swap(files: GalleryFiles) {
  if (existsSync(join(folder, 'kill-at-swap'))) {
    rmSync(join(folder, 'kill-at-swap'));
    process.kill(process.pid, 'SIGKILL');
    pause(60_000);
  }
  appendFileSync(join(folder, 'swapped'), `${files.head.version}\n`);
  return gallery.swap(files, (one) => {
    matcher = one;
  });
}

function match(name: string) {
  const point = (at: number): [number, number] => [at, at];
  return {
    name,
    distance: 0.5,
    box: [1, 2, 30, 40] as [number, number, number, number],
    probability: 0.99,
    landmarks: [1, 2, 3, 4, 5].map(point),
    nearest: [{ name, distance: 0.5 }],
    width: 64,
    height: 64,
  };
}

await serveInference(async () => {
  appendFileSync(join(folder, 'started'), `${process.pid} ${process.execArgv.length}\n`);
  const dies = start === 'dies' || (start === 'dies-once' && lines('started').length === 1);
  if (dies) {
    process.stderr.write('the last words\n');
    process.exit(7);
  }
  if (start === 'unfit') throw new ModelError('There is no model here.');
  if (start === 'hangs') for (;;) pause(60_000);
  return {
    backend: 'double',
    together: 4,
    compute: async (photos) => photos.map(({ bytes }) => compute(Buffer.from(bytes).toString())),
    perform,
    swap,
  };
});

function lines(file: string): string[] {
  return readFileSync(join(folder, file), 'utf8').trim().split('\n');
}
