/** The course's photos as uploads, each with bytes of its own, and the names that are right for them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { findCourseData } from '../../convert/sources/course-data.ts';
import type { Photo } from './load.ts';

/** Of so many uploads, one is no image and one has no face. */
const BAD_EVERY = 50;

/** @throws {CheckpointError} when the course's photos are nowhere and cannot be downloaded */
export async function coursePhotos(): Promise<(number: number) => Promise<Photo>> {
  const { images, results } = await findCourseData(1000);
  const rows = (await readFile(results, 'utf8')).trim().split(/\r?\n/).slice(1);
  const named = rows.map((row) => row.split(',') as [string, string]);
  const grey = { width: 64, height: 64, channels: 3 as const, background: '#888' };
  const wall = await sharp({ create: grey }).jpeg().toBuffer();
  return async (number) => {
    // After the end of the image, where decoders do not look.
    const mark = Buffer.from(`upload ${number}`);
    if (number % BAD_EVERY === 33) {
      return { bytes: Buffer.concat([Buffer.from('no image'), mark]), expected: REFUSAL };
    }
    if (number % BAD_EVERY === 44) {
      return { bytes: Buffer.concat([wall, mark]), expected: REFUSAL };
    }
    const [stem, name] = named[number % named.length]!;
    const photo = await readFile(join(images, `${stem}.jpg`));
    return { bytes: Buffer.concat([photo, mark]), expected: { kind: 'name', name } };
  };
}

const REFUSAL = { kind: 'refusal' } as const;
