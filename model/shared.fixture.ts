/** The photos and reference answers that lie beside the checkout, where they do: they are not ours to commit. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { z } from 'zod';

const shared = join(import.meta.dirname, '../../shared');

/** For node:test's `skip`: false where the files are, else the reason. */
export const sharedMissing: false | string = existsSync(join(shared, 'parity'))
  ? false
  : 'the reference photos in ../shared are not on this machine';

const point = z.tuple([z.number(), z.number()]);
const box = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const goldenSchema = z.record(
  z.string(),
  z.object({
    width: z.number(),
    height: z.number(),
    faces: z.number(),
    boxes: z.array(box),
    probs: z.array(z.number()),
    landmarks: z.array(z.array(point).length(5)),
    embedding: z.array(z.number()).length(512),
    nearest: z.array(z.object({ name: z.string(), distance: z.number() })).length(3),
  }),
);

export type Golden = z.output<typeof goldenSchema>[string];

/** What PyTorch answers for each photo; no EXIF orientation was applied. */
export function readGolden(file: 'golden_parity.json' | 'golden_course.json'): [string, Golden][] {
  const text = readFileSync(join(shared, 'parity', file), 'utf8');
  return Object.entries(goldenSchema.parse(JSON.parse(text)));
}

export function parityPhotoPath(name: string): string {
  return join(shared, 'parity', name);
}

/** The course's images by file name, out of their zip. */
export function courseImages(count: 100 | 1000): Map<string, Uint8Array> {
  const entries = unzipSync(readFileSync(join(shared, 'cse546', `face_images_${count}.zip`)));
  const images = Object.entries(entries).filter(([path]) => path.endsWith('.jpg'));
  return new Map(images.map(([path, bytes]) => [path.slice(path.lastIndexOf('/') + 1), bytes]));
}

/** The course's expected name of each image, by stem. */
export function courseNames(count: 100 | 1000): Map<string, string> {
  const [, ...lines] = readFileSync(join(shared, 'cse546', `results_${count}.csv`), 'utf8')
    .trim()
    .split(/\r?\n/);
  return new Map(
    lines.map((line) => {
      const [stem, name] = line.split(',');
      return [stem!, name!];
    }),
  );
}
