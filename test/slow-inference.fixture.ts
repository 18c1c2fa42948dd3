/**
 * An inference program that takes as long as the file `seconds` in its folder says, whatever the photo,
 * and keeps a journal of what it began and ended. It answers with the photo's own digest as the name, so
 * that a test can tell whose answer it got. A photo whose bytes end with `poison` kills it. Knows no model.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Answer, Photo } from '../worker/inference/protocol.ts';
import { serveInference } from '../worker/inference/serve.ts';

const [folder = ''] = process.argv.slice(2);
const ms = Number(readFileSync(join(folder, 'seconds'), 'utf8')) * 1000;

const model = { backend: 'slow', precision: 'float32', version: 'none' };

await serveInference(async () => ({
  backend: 'slow',
  model,
  together: 1,
  compute,
  perform: async () => ({ result: '{}', timings: {} }),
  swap: async () => ({ people: 0, faces: 0 }),
}));

async function compute(photos: readonly Photo[]): Promise<Answer[]> {
  return photos.map(answerTo);
}

function answerTo({ bytes }: Photo): Answer {
  const name = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
  appendFileSync(join(folder, 'journal'), `begin ${name} ${process.pid} ${Date.now()}\n`);
  if (Buffer.from(bytes.subarray(-6)).toString() === 'poison') process.kill(process.pid, 'SIGKILL');
  // Holds the event loop, as the model does.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  appendFileSync(join(folder, 'journal'), `end ${name}\n`);
  const nearest = [{ name, distance: 0.5 }];
  const face = { box: [1, 2, 30, 40], probability: 0.99, landmarks: Array(5).fill([1, 1]) };
  const match = { name, distance: 0.5, ...face, nearest, width: 48, height: 48 };
  const timings = { decode: 1, detect: 2, embed: ms, match: 1 };
  return { outcome: { match: match as never }, timings };
}
