/** Writes the gallery's two files. Knows neither photos nor checkpoints. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { type gallerySchema, modelFiles } from '../../model/format.ts';
import type { Gallery } from '../../model/gallery.ts';

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
