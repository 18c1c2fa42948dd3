/** Writes the gallery, and makes one from a folder of photos. Knows no checkpoint. */
import type { Dirent } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { z } from 'zod';
import { alignFaces } from '../model/align.ts';
import { decodeImage } from '../model/decode.ts';
import { detectFaces } from '../model/detect/cascade.ts';
import { EMBEDDING_LENGTH, type gallerySchema, modelFiles } from '../model/format.ts';
import type { Gallery } from '../model/gallery.ts';
import { IMAGE_EXTENSIONS } from '../model/image-format.ts';
import type { Networks } from '../model/networks.ts';
import { messageOf } from '../runtime/errors.ts';
import { CheckpointError } from './errors.ts';

export interface GalleryPhoto {
  readonly person: string;
  readonly path: string;
}

/** Writes gallery.json and gallery.bin (little-endian, as every machine here has it). */
export async function writeGallery(directory: string, gallery: Gallery): Promise<void> {
  const { names, embeddings } = gallery;
  const described: z.input<typeof gallerySchema> = {
    dimensions: EMBEDDING_LENGTH,
    names: [...names],
  };
  await writeFile(join(directory, modelFiles.gallery), `${JSON.stringify(described, null, 2)}\n`);
  await writeFile(
    join(directory, modelFiles.galleryEmbeddings),
    new Uint8Array(embeddings.buffer, embeddings.byteOffset, embeddings.byteLength),
  );
}

/**
 * The photos of a gallery folder: one sub-folder a person, named as the person, with one or more photos.
 * @throws {CheckpointError} when there is nobody, or a person without a photo
 */
export async function listGalleryPhotos(folder: string): Promise<GalleryPhoto[]> {
  const people = await visibleEntries(folder);
  const photos: GalleryPhoto[] = [];
  for (const person of people) {
    if (!person.isDirectory()) continue;
    const files = (await visibleEntries(join(folder, person.name))).filter(isPhoto);
    if (files.length === 0) {
      throw new CheckpointError(
        `The gallery folder ${join(folder, person.name)} has no photo: add one or remove the folder.`,
      );
    }
    for (const { name } of files) {
      photos.push({ person: person.name.normalize('NFC'), path: join(folder, person.name, name) });
    }
  }
  if (photos.length === 0) {
    throw new CheckpointError(
      `The gallery folder ${folder} has no person: make one sub-folder a person, with photos in it.`,
    );
  }
  return photos;
}

/**
 * Embeds the largest face of each photo.
 * @param onPhoto called after each, with how many are done
 * @throws {CheckpointError} naming a photo that cannot be read or shows no face
 */
export async function embedPhotos(
  networks: Networks,
  photos: readonly GalleryPhoto[],
  onPhoto: (done: number) => void,
): Promise<Gallery> {
  const embeddings = new Float32Array(photos.length * EMBEDDING_LENGTH);
  for (const [index, { path }] of photos.entries()) {
    embeddings.set(await embedLargestFace(networks, path), index * EMBEDDING_LENGTH);
    onPhoto(index + 1);
  }
  return { names: photos.map(({ person }) => person), embeddings };
}

async function embedLargestFace(networks: Networks, path: string): Promise<Float32Array> {
  let image: Awaited<ReturnType<typeof decodeImage>>;
  try {
    image = await decodeImage(await readFile(path));
  } catch (cause) {
    throw new CheckpointError(`The gallery photo ${path} cannot be used: ${messageOf(cause)}`, {
      cause,
    });
  }
  const largest = detectFaces(networks, image)[0];
  if (largest === undefined) {
    throw new CheckpointError(
      `The gallery photo ${path} shows no face: replace it by one that does, or remove it.`,
    );
  }
  return networks.embed(alignFaces(image, [largest.box]), 1);
}

/** A link to a photo is one too; other files that people keep beside photos are passed over. */
function isPhoto(entry: Dirent): boolean {
  return !entry.isDirectory() && IMAGE_EXTENSIONS.has(extname(entry.name).toLowerCase());
}

/** Sorted by code units, so that a gallery does not depend on the file system or the language. */
async function visibleEntries(folder: string): Promise<Dirent[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter(({ name }) => !name.startsWith('.'))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
