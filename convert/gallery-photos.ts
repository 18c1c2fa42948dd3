/** Makes a gallery from photos: which of them can be used, and one embedding of each. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { alignFaces } from '../model/align.ts';
import { decodeImage } from '../model/decode.ts';
import { detectFaces } from '../model/detect/cascade.ts';
import type { EncoderDescription } from '../model/format.ts';
import type { Gallery } from '../model/gallery.ts';
import type { Networks } from '../model/networks.ts';
import { messageOf } from '../runtime/errors.ts';
import { CheckpointError } from './errors.ts';
import {
  type GalleryFolder,
  type GalleryPhoto,
  type LeftOut,
  leftOutLines,
} from './gallery-folder.ts';

/** A photo that is in the gallery. */
export interface UsedPhoto extends GalleryPhoto {
  /** Of its face, px. */
  readonly faceWidth: number;
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
 * @param onPhoto called after each, with how many are done
 * @throws {CheckpointError} when nothing is left of a person, or one photo is given as two people's
 */
export async function embedPhotos(
  networks: Networks,
  folder: GalleryFolder,
  onPhoto: (done: number) => void,
): Promise<EmbeddedPhotos> {
  const used: UsedPhoto[] = [];
  const leftOut = [...folder.leftOut];
  const seen = new Map<string, GalleryPhoto>();
  for (const [index, photo] of folder.photos.entries()) {
    const found = await embedPhoto(networks, photo, seen);
    if ('why' in found) leftOut.push(found);
    else used.push(found);
    onPhoto(index + 1);
  }
  requireEverybody(folder.people, used, leftOut);
  return { used, leftOut };
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

/** @param seen the photos so far, by the digest of their bytes */
async function embedPhoto(
  networks: Networks,
  photo: GalleryPhoto,
  seen: Map<string, GalleryPhoto>,
): Promise<UsedPhoto | LeftOut> {
  const { person, path } = photo;
  const bytes = await readFile(path);
  const digest = createHash('sha256').update(bytes).digest('hex');
  const twin = seen.get(digest);
  if (twin !== undefined) return twinOf(twin, photo);
  seen.set(digest, photo);
  let image: Awaited<ReturnType<typeof decodeImage>>;
  try {
    image = await decodeImage(bytes);
  } catch (error) {
    return { path, why: `cannot be used: ${messageOf(error)}` };
  }
  const faces = detectFaces(networks, image);
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
    embedding: networks.embed(alignFaces(image, [face], networks.encoder), 1),
  };
}

function twinOf(twin: GalleryPhoto, { person, path }: GalleryPhoto): LeftOut {
  if (twin.person === person) return { path, why: `is the same file as ${twin.path}` };
  throw new CheckpointError(
    `${twin.path} and ${path} are one photo, given as two people’s: remove the wrong one.`,
  );
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
      'Left out:',
      ...leftOutLines(leftOut),
    ].join('\n'),
  );
}
