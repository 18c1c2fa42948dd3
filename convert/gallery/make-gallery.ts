/** A gallery from where it was named, a file of embeddings or a folder of photos, to its two files. */
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { type gallerySchema, modelFiles } from '../../model/format.ts';
import type { Gallery } from '../../model/match/gallery.ts';
import type { Networks } from '../../model/networks.ts';
import { readGalleryFile } from '../checkpoint/read-checkpoint.ts';
import type { OnProgress } from '../progress.ts';
import { galleryDoubts } from './doubts.ts';
import type { GalleryFile } from './gallery-file.ts';
import { type GalleryFolder, type LeftOut, listGalleryPhotos } from './gallery-folder.ts';
import { embedPhotos, galleryOf } from './gallery-photos.ts';

export interface PhotosReport {
  readonly used: number;
  readonly leftOut: readonly LeftOut[];
  /** Names of files and folders of systems, which nobody means as people or photos. */
  readonly passedOver: readonly string[];
}

/** A data.pt by its path, or the photos of a folder. */
export type GallerySource =
  | ({ readonly file: string } & GalleryFile)
  | ({ readonly folder: string } & GalleryFolder);

/** @throws {CheckpointError} when it is neither, or cannot be used */
export async function gallerySource(path: string): Promise<GallerySource> {
  const isFolder = (await stat(path)).isDirectory();
  if (isFolder) return { folder: path, ...(await listGalleryPhotos(path)) };
  return { file: path, ...(await readGalleryFile(path)) };
}

/**
 * @param digests of the photos, by their paths
 * @throws {CheckpointError} when a person has no usable photo
 */
export async function makeGallery(
  source: GallerySource,
  networks: Networks,
  digests: ReadonlyMap<string, string>,
  onProgress: OnProgress,
): Promise<{ gallery: Gallery; photos?: PhotosReport; doubts: readonly string[] }> {
  onProgress({ stage: 'gallery' });
  if ('file' in source) return source;
  const { used, leftOut } = await embedPhotos(networks, source, digests, (done) =>
    onProgress({ stage: 'gallery', detail: source.folder, share: done / source.photos.length }),
  );
  return {
    gallery: galleryOf(used, networks.encoder),
    photos: { used: used.length, leftOut, passedOver: source.passedOver },
    doubts: [...source.doubts, ...galleryDoubts(used, networks.encoder.kind)],
  };
}

/** Writes gallery.json and gallery.bin (little-endian, as every machine here has it). */
export async function writeGallery(directory: string, gallery: Gallery): Promise<void> {
  const { encoder, names, embeddings } = gallery;
  const described: z.input<typeof gallerySchema> = {
    encoder,
    dimensions: embeddings.length / names.length,
    names: [...names],
  };
  await writeFile(join(directory, modelFiles.gallery), `${JSON.stringify(described, null, 2)}\n`);
  await writeFile(
    join(directory, modelFiles.galleryEmbeddings),
    new Uint8Array(embeddings.buffer, embeddings.byteOffset, embeddings.byteLength),
  );
}
