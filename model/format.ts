/**
 * The converted model's folder: its file names, and schemas of what is read back from it.
 * `convert/` writes it, `model/` reads it; docs/architecture.md describes it.
 */
import { z } from 'zod';
import { gallerySampleSchema } from './odds/calibration.ts';
import { trialTimingsSchema } from './precision/timings.ts';

/** Raised whenever a folder written before could no longer be read, so that it is converted anew. */
export const FORMAT_VERSION = 10;

/** Two networks that turn a face into numbers; embeddings of the two cannot be compared. */
export const encoderKinds = ['facenet', 'compact'] as const;
export type EncoderKind = (typeof encoderKinds)[number];

/** What the encoder's convolutions compute in. */
export type Precision = 'float32' | 'bfloat16';

export const modelFiles = {
  manifest: 'manifest.json',
  /** All networks in float32, for tfjs. */
  graphModel: 'model.json',
  /** P-Net, R-Net and O-Net, for TensorFlow. */
  detection: 'detection.pb',
  /** The same as oneDNN's operations. */
  detectionOneDnn: 'detection-onednn.pb',
  detectionWeights: 'detection.bin',
  encoder: 'encoder.pb',
  /** As oneDNN's operations too. */
  encoderOneDnn: 'encoder-onednn.pb',
  encoderWeights: 'encoder.bin',
  bfloat16: 'encoder-bfloat16.pb',
  bfloat16Weights: 'encoder-bfloat16.bin',
  /** A small likeness of the encoder in every way to compute it, for a trial of which is fastest. */
  trial: 'trial.pb',
  gallery: 'gallery.json',
  galleryEmbeddings: 'gallery.bin',
} as const;

/** Bytes that a graph has for the path of its weights file. */
const REGION_BYTES = 1024;

/**
 * The path of a weights file as it stands in a graph: slashes fill the room before it. The conversion
 * writes the name alone; whoever loads the graph puts the whole path in its place, for TensorFlow
 * resolves none against the graph's own.
 * @throws {RangeError} when it is longer than the room for it
 */
export function paddedWeightsPath(path: string): string {
  const padding = REGION_BYTES - Buffer.byteLength(path);
  if (padding < 0) throw new RangeError(`A path of over ${REGION_BYTES} bytes: ${path}`);
  return '/'.repeat(padding) + path;
}

/** What the model's encoder takes and gives: everything that differs from one encoder to the other. */
export const encoderSchema = z.object({
  kind: z.enum(encoderKinds),
  /** Side of the square crop that it takes, px. */
  faceSize: z.int().positive(),
  /**
   * How a face is cut: `box` takes the detected box, `landmarks` turns and scales the face so that its
   * eyes, nose and mouth lie where the encoder expects them.
   */
  alignment: z.enum(['box', 'landmarks']),
  /** Numbers of an embedding; galleries of multiples of 128 are searched fastest. */
  embeddingLength: z.int().positive().multipleOf(8),
  /** Whether every embedding has length 1. */
  normalised: z.boolean(),
  /** What its convolutions can compute in; float32 always. */
  precisions: z.array(z.enum(['float32', 'bfloat16'])),
  /** Below this distance the nearest person counts as known, unless KNOWN_DISTANCE says otherwise. */
  knownDistance: z.number().positive(),
});
export type EncoderDescription = Readonly<z.output<typeof encoderSchema>>;

/** The files of a model with this encoder, without the manifest. */
export function outputFilesOf({ precisions }: EncoderDescription): string[] {
  const { manifest, bfloat16, bfloat16Weights, trial, ...others } = modelFiles;
  const rough = precisions.includes('bfloat16') ? [bfloat16, bfloat16Weights, trial] : [];
  return [...Object.values(others), ...rough];
}

const fileDigest = z.object({ file: z.string(), sha256: z.hex().length(64) });

export const manifestSchema = z.object({
  format: z.literal(FORMAT_VERSION),
  inputs: z.array(fileDigest),
  outputs: z.array(fileDigest),
  encoder: encoderSchema,
  /** How the weights of the float32 encoder are stored. */
  weights: z.enum(['float32', 'float16', 'uint8']),
  /**
   * At most this far (L2) is a bfloat16 embedding from the float32 one, with a margin; absent where the
   * conversion had no engine to measure it with, and then float32 alone is used.
   */
  bfloat16Bound: z.number().positive().optional(),
  /** Distances between the gallery's people; absent in models of earlier versions. */
  odds: gallerySampleSchema.optional(),
  /** Share of faces that bfloat16 embeds a second time in float32, as the gallery lets expect. */
  secondLooks: z.number().min(0).max(1).optional(),
  /** How fast both precisions were where the model was converted. */
  timings: trialTimingsSchema.optional(),
});
export type Manifest = z.output<typeof manifestSchema>;

export const gallerySchema = z.object({
  /** Whose embeddings they are: those of another encoder cannot be compared with them. */
  encoder: z.enum(encoderKinds),
  dimensions: z.int().positive(),
  /** The person of each embedding; a person may have several. */
  names: z.array(z.string().min(1)).min(1),
});
