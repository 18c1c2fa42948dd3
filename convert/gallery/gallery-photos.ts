/** Makes a gallery from photos: which of them can be used, and one embedding of each. */
import { readFile } from 'node:fs/promises';
import { alignFaces } from '../../model/align/align.ts';
import { decodeImage } from '../../model/decode/decode.ts';
import { detectFaces } from '../../model/detect/cascade.ts';
import { findUpright } from '../../model/detect/upright.ts';
import { ImageError } from '../../model/errors.ts';
import type { EncoderDescription } from '../../model/format.ts';
import type { QuarterTurn } from '../../model/image/turn.ts';
import type { Gallery } from '../../model/match/gallery.ts';
import type { Networks } from '../../model/networks.ts';
import { messageOf } from '../../runtime/errors.ts';
import { CheckpointError } from '../errors.ts';
import { whyUnreadable } from './folder-entries.ts';
import {
  type GalleryFolder,
  type GalleryPhoto,
  type LeftOut,
  leftOutSection,
} from './gallery-folder.ts';

/** A photo that is in the gallery. */
export interface UsedPhoto extends GalleryPhoto {
  /** Of its face, px. */
  readonly faceWidth: number;
  /** By how much the photo was turned so that its face is upright. */
  readonly turned: QuarterTurn;
  readonly embedding: Float32Array;
}

export interface EmbeddedPhotos {
  readonly used: readonly UsedPhoto[];
  readonly leftOut: readonly LeftOut[];
}

/** A face this much smaller than the largest is somebody in the background. */
const BACKGROUND = 0.5;

/**
 * Embeds the face of each photo. One that cannot be used is left out: broken, without a face, with two
 * faces of like size (whose is it?), or the same file as another of that person.
 * @param digests of the photos' bytes, by their paths
 * @param onPhoto called after each, with how many are done
 * @throws {CheckpointError} when nothing is left of a person, or one photo is given as two people's
 */
export async function embedPhotos(
  networks: Networks,
  folder: GalleryFolder,
  digests: ReadonlyMap<string, string>,
  onPhoto: (done: number) => void,
): Promise<EmbeddedPhotos> {
  const used: UsedPhoto[] = [];
  const leftOut = [...folder.leftOut];
  const embedded = await embedTwins(networks, folder.photos, digests);
  for (const [index, photo] of folder.photos.entries()) {
    const { person, path } = photo;
    const digest = digests.get(path) ?? path;
    const known = embedded.get(digest);
    const found = known ?? (await embedPhoto(networks, photo));
    if (known === undefined) embedded.set(digest, found);
    if ('why' in found) leftOut.push({ path, why: found.why });
    else if (found.path === path) used.push(found);
    else if (found.person === person)
      leftOut.push({ path, why: `is the same file as ${found.path}` });
    onPhoto(index + 1);
  }
  requireEverybody(folder.people, used, leftOut);
  return { used, leftOut };
}

/**
 * First of all the files that lie in several people's folders, so that a wrong one ends the conversion
 * before the long work. Files that cannot be used anyway, such as a web page in place of each photo that
 * was not found, do not.
 * @returns what came of each file, by its digest
 * @throws {CheckpointError} when one photo is given as two people's
 */
async function embedTwins(
  networks: Networks,
  photos: readonly GalleryPhoto[],
  digests: ReadonlyMap<string, string>,
): Promise<Map<string, UsedPhoto | LeftOut>> {
  const embedded = new Map<string, UsedPhoto | LeftOut>();
  const alike = Map.groupBy(photos, ({ path }) => digests.get(path) ?? path);
  for (const [digest, [first, ...others]] of alike) {
    const twin = others.find(({ person }) => person !== first!.person);
    if (twin === undefined) continue;
    const found = await embedPhoto(networks, first!);
    if (!('why' in found)) {
      throw new CheckpointError(
        `${first!.path} and ${twin.path} are one photo, given as two people’s: remove the wrong one.`,
      );
    }
    embedded.set(digest, found);
  }
  return embedded;
}

export function galleryOf(
  used: readonly UsedPhoto[],
  { kind, embeddingLength }: EncoderDescription,
): Gallery {
  const embeddings = new Float32Array(used.length * embeddingLength);
  for (const [index, { embedding }] of used.entries()) {
    embeddings.set(embedding, index * embeddingLength);
  }
  return { encoder: kind, names: used.map(({ person }) => person), embeddings };
}

async function embedPhoto(networks: Networks, photo: GalleryPhoto): Promise<UsedPhoto | LeftOut> {
  const { person, path } = photo;
  const image = await decoded(path);
  if (typeof image === 'string') return { path, why: image };
  const upright = findUpright(networks, image, (photo) => detectFaces(networks, photo));
  const { faces, turn } = upright;
  const [face] = faces;
  if (face === undefined) return { path, why: 'shows no face' };
  const width = widthOf(face);
  const alike = faces.filter((one) => widthOf(one) > BACKGROUND * width).length;
  if (alike > 1) {
    return { path, why: `shows ${alike} faces of like size: cut out the one of ${person}` };
  }
  return {
    ...photo,
    faceWidth: width,
    turned: turn,
    embedding: networks.embed(alignFaces(upright.image, [face], networks.encoder), 1),
  };
}

/** The image, or why it cannot be used. */
async function decoded(path: string): Promise<Awaited<ReturnType<typeof decodeImage>> | string> {
  try {
    return await decodeImage(await readFile(path));
  } catch (error) {
    return error instanceof ImageError
      ? `cannot be used: ${messageOf(error)}`
      : whyUnreadable(error);
  }
}

function widthOf({ box: [left, , right] }: { readonly box: readonly number[] }): number {
  return right! - left!;
}

function requireEverybody(
  people: readonly string[],
  used: readonly UsedPhoto[],
  leftOut: readonly LeftOut[],
): void {
  const present = new Set(used.map(({ person }) => person));
  const lost = people.filter((person) => !present.has(person));
  if (lost.length === 0) return;
  throw new CheckpointError(
    [
      `No photo of ${lost.join(', ')} can be used: add one that shows this person alone, or remove the folder.`,
      ...leftOutSection(leftOut),
    ].join('\n'),
  );
}
