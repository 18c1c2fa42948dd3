/**
 * This project as a party: the recognizer as users get it, and its encoder alone. Arguments: model folder,
 * backend, threads, precision.
 */
import { readFile } from 'node:fs/promises';
import { alignFaces } from '../../../model/align/align.ts';
import { openNetworks } from '../../../model/backend/open-networks.ts';
import { decodeImage } from '../../../model/decode/decode.ts';
import type { Precision } from '../../../model/format.ts';
import {
  type Backend,
  largestFace,
  loadRecognizer,
  type Recognizer,
} from '../../../model/index.ts';
import { embedTimer, FACE_VALUES, readFaces, serve, writeFaces } from './serve.ts';

const [directory = '', backend = '', threads = '1', precision = 'float32'] = process.argv.slice(2);
const options = {
  backend: backend as Backend,
  threads: Number(threads),
  precision: precision as Precision,
  warmUp: true,
};

let opened: Promise<Recognizer> | undefined;
/** Loaded with the first photo: a process that only embeds does not need it. */
const recognizer = (): Promise<Recognizer> => {
  opened ??= loadRecognizer(directory, options);
  return opened;
};
let timer: ReturnType<typeof embedTimer> | undefined;
let encoder: Promise<(faces: Float32Array, count: number) => Float32Array> | undefined;
/** Opened by the first request for embeddings only. */
const embed = () => {
  encoder ??= openNetworks(directory, options).then(
    (networks) => (faces, count) => networks.embed(faces, count, networks.precision),
  );
  return encoder;
};

async function together(paths: readonly string[]): Promise<void> {
  const one = await recognizer();
  const photos = await Promise.all(paths.map((path) => readFile(path)));
  for (const answer of await one.recognizeAll(photos)) if (answer instanceof Error) throw answer;
}

await serve(
  {
    async embed(request) {
      timer ??= embedTimer(await embed());
      return timer(request);
    },
    async embeddings({ faces, count }) {
      const all = (await embed())(await readFaces(faces, count), count);
      const length = all.length / count;
      return {
        embeddings: Array.from({ length: count }, (_, face) => [
          ...all.subarray(face * length, (face + 1) * length),
        ]),
      };
    },
    async photo({ path, all = false }) {
      const bytes = await readFile(path);
      const one = await recognizer();
      const begun = performance.now();
      const recognition = await one.recognize(bytes, { allFaces: all });
      const whole = performance.now() - begun;
      const face = largestFace(recognition);
      const nearest = face?.nearest[0];
      const { decode, detect, embed, match } = recognition.timings;
      return {
        timings: { decode, detect, embed, match },
        whole,
        faces: recognition.faces.length,
        name: nearest?.name ?? null,
        distance: nearest?.distance ?? null,
        twice: recognition.embeddedTwice > 0,
        ...(face && { embedding: [...face.embedding] }),
      };
    },
    async photos({ paths }) {
      await recognizer();
      const begun = performance.now();
      await together(paths);
      return { whole: performance.now() - begun };
    },
    async run({ paths, batch, seconds }) {
      await recognizer();
      const begun = performance.now();
      let photos = 0;
      while (performance.now() - begun < seconds * 1000) {
        await together(
          Array.from({ length: batch }, (_, index) => paths[(photos + index) % paths.length]!),
        );
        photos += batch;
      }
      return { photos, seconds: (performance.now() - begun) / 1000 };
    },
    async cut({ paths, count, out }) {
      const one = await recognizer();
      const faces = new Float32Array(FACE_VALUES * count);
      let at = 0;
      for (let turn = 0; at < count && turn < count; turn++) {
        for (const path of paths) {
          const bytes = await readFile(path);
          const [face] = (await one.recognize(bytes)).faces;
          if (face === undefined || at === count) continue;
          faces.set(alignFaces(await decodeImage(bytes), [face], one.encoder), FACE_VALUES * at);
          at++;
        }
      }
      if (at < count) throw new Error('no photo has a face');
      await writeFaces(out, faces);
      return { faces: at };
    },
  },
  `node ${process.versions.node}`,
);
