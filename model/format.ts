/**
 * The converted model's folder: its file names, and schemas of what is read back from it.
 * `convert/` writes it, `model/` reads it; docs/architecture.md describes it.
 */
import { z } from 'zod';

/** Raised whenever a folder written before could no longer be read, so that it is converted anew. */
export const FORMAT_VERSION = 5;

/** What the encoder's convolutions compute in. */
export type Precision = 'float32' | 'bfloat16';

/** Folder of the bfloat16 encoder's own SavedModel: it takes memory only where it is used. */
export const BFLOAT16_FOLDER = 'encoder-bfloat16';

/** Folder of the float32 networks as oneDNN's operations; they read the weights of the plain ones. */
export const ONEDNN_FOLDER = 'onednn';

export const modelFiles = {
  manifest: 'manifest.json',
  savedModel: 'saved_model.pb',
  graphModel: 'model.json',
  weights: 'assets/weights.bin',
  oneDnn: `${ONEDNN_FOLDER}/saved_model.pb`,
  bfloat16: `${BFLOAT16_FOLDER}/saved_model.pb`,
  bfloat16Weights: `${BFLOAT16_FOLDER}/assets/weights.bin`,
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
  /** How the weights of the float32 encoder are stored. */
  weights: z.enum(['float32', 'float16']),
  /**
   * At most this far (L2) is a bfloat16 embedding from the float32 one, with a margin; absent where the
   * conversion had no engine to measure it with, and then float32 alone is used.
   */
  bfloat16Bound: z.number().positive().optional(),
});
export type Manifest = z.output<typeof manifestSchema>;

export const gallerySchema = z.object({
  dimensions: z.literal(EMBEDDING_LENGTH),
  /** The person of each embedding; a person may have several. */
  names: z.array(z.string().min(1)).min(1),
});
