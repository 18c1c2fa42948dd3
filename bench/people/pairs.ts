/**
 * Pairs of different photos of one person. Few photos of one person may be passed on freely, so the
 * photos are varied as cameras and editors vary them.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { photoDigest } from '../../cloud/contract/messages.ts';
import { findCourseData } from '../../convert/sources/course-data.ts';
import { findPortraits, portraits } from '../../convert/sources/portraits.ts';

export interface Pair {
  readonly person: string;
  /** To enrol; paths. */
  readonly first: string;
  /** To recognise. */
  readonly second: string;
}

const VARIATIONS: readonly ((photo: Sharp) => Sharp)[] = [
  (photo) => photo.modulate({ brightness: 1.2 }),
  (photo) => photo.modulate({ brightness: 0.8, saturation: 0.7 }),
  (photo) => photo.flop(),
  (photo) => photo.rotate(4, { background: 'grey' }),
  (photo) => photo.rotate(-5, { background: 'grey' }),
  (photo) => photo.flop().rotate(3, { background: 'grey' }),
  (photo) => photo.greyscale(),
  (photo) => photo.gamma(1.6),
];

/**
 * The people in turn, until there are enough pairs; no two pairs of a person vary alike before all variations
 * have had their turn.
 * @param folder where the varied photos are written
 */
export async function makePairs(count: number, folder: string): Promise<Pair[]> {
  const people = [...(await photosByPerson())];
  const pairs: Pair[] = [];
  for (let round = 0; round < count; round++) {
    const [person, photos] = people[round % people.length]!;
    const turn = Math.floor(round / people.length);
    const first = photos[turn % photos.length]!;
    const other = photos[(turn + 1) % photos.length]!;
    const vary = VARIATIONS[turn % VARIATIONS.length]!;
    const second = join(folder, `pair-${round}.jpg`);
    // JPEG at another quality than the original's, as messengers send it.
    await writeFile(second, await vary(sharp(other).autoOrient()).jpeg({ quality: 85 }).toBuffer());
    pairs.push({ person, first, second });
  }
  return pairs;
}

/**
 * The portraits by person; each of the course's photos as a person of its own, since its list says whom a model
 * takes them for, not who they are.
 */
async function photosByPerson(): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  const { photos } = await findPortraits();
  for (const { person, file } of portraits) {
    found.set(person, [...(found.get(person) ?? []), join(photos, file.names[0]!)]);
  }
  const { images } = await findCourseData(1000);
  const seen = new Set<string>();
  for (const name of (await readdir(images)).sort()) {
    const digest = photoDigest(await readFile(join(images, name)));
    if (!seen.has(digest)) found.set(`Course ${seen.size + 1}`, [join(images, name)]);
    seen.add(digest);
  }
  return found;
}
