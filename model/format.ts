/**
 * The converted model's folder: its file names, and schemas of what is read back from it.
 * `convert/` writes it, `model/` reads it; docs/architecture.md describes it.
 */
import { z } from 'zod';

/** Raised whenever a folder written before could no longer be read, so that it is converted anew. */
export const FORMAT_VERSION = 2;

export const modelFiles = {
  manifest: 'manifest.json',
  savedModel: 'saved_model.pb',
  graphModel: 'model.json',
  weights: 'assets/weights.bin',
  gallery: 'gallery.json',
  galleryEmbeddings: 'gallery.bin',
} as const;

export const EMBEDDING_LENGTH = 512;
export const FACE_SIZE = 240;

const fileDigest = z.object({ file: z.string(), sha256: z.hex().length(64) });

export const manifestSchema = z.object({
  format: z.literal(FORMAT_VERSION),
  inputs: z.array(fileDigest),
  outputs: z.array(fileDigest),
});
export type Manifest = z.output<typeof manifestSchema>;

export const gallerySchema = z.object({
  dimensions: z.literal(EMBEDDING_LENGTH),
  /** The person of each embedding; a person may have several. */
  names: z.array(z.string().min(1)).min(1),
});
