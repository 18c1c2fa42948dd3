/**
 * The folder of a converted model: its file names, and schemas of the files that are read back.
 * `convert/` writes it, `model/` reads it; docs/architecture.md describes it.
 */
import { z } from 'zod';
import { gallerySampleSchema } from './odds/calibration.ts';
import { trialTimingsSchema } from './precision/timings.ts';

/** Increased whenever older folders can no longer be read, so that they are converted again. */
export const FORMAT_VERSION = 14;

/** Two networks that turn a face into an embedding; embeddings of different encoders cannot be compared. */
export const encoderKinds = ['facenet', 'compact'] as const;
export type EncoderKind = (typeof encoderKinds)[number];

/** Number format of the encoder's convolutions. */
export type Precision = 'float32' | 'bfloat16';

export const modelFiles = {
  manifest: 'manifest.json',
  /** All networks in float32, for tfjs. */
  graphModel: 'model.json',
  /** P-Net, R-Net and O-Net for TensorFlow, in TensorFlow's own operations. */
  detection: 'detection.pb',
  /** The same networks in oneDNN's operations. */
  detectionOneDnn: 'detection-onednn.pb',
  detectionWeights: 'detection.bin',
  encoder: 'encoder.pb',
  /** The encoder in oneDNN's operations. */
  encoderOneDnn: 'encoder-onednn.pb',
  encoderWeights: 'encoder.bin',
  /** The float32 encoder for its own kernels, where its weights are stored as float32. */
  encoderPlan: 'encoder-plan.json',
  bfloat16: 'encoder-bfloat16.pb',
  /** The bfloat16 encoder for its own kernels. */
  bfloat16Plan: 'encoder-bfloat16-plan.json',
  bfloat16Weights: 'encoder-bfloat16.bin',
  /** A small model of the encoder in each precision, to find out which one is faster on a machine. */
  trial: 'trial.pb',
  gallery: 'gallery.json',
  galleryEmbeddings: 'gallery.bin',
} as const;

/** Bytes that a graph reserves for the path of its weights file. */
const REGION_BYTES = 1024;

/**
 * The path of a weights file as it is written in a graph, padded on the left with slashes. The conversion
 * writes the file's name; the loader replaces it by the absolute path, because TensorFlow does not resolve
 * paths relative to the graph.
 * @throws {RangeError} when the path is longer than the reserved bytes
 */
export function paddedWeightsPath(path: string): string {
  const padding = REGION_BYTES - Buffer.byteLength(path);
  if (padding < 0) throw new RangeError(`A path of over ${REGION_BYTES} bytes: ${path}`);
  return '/'.repeat(padding) + path;
}

/** Everything in which one encoder differs from the other: its input, its output and its known distance. */
export const encoderSchema = z.object({
  kind: z.enum(encoderKinds),
  /** Of an encoder whose weights are not the published ones: see `encoderId`. */
  id: z
    .string()
    .regex(/^[a-z0-9-]{1,32}$/)
    .optional(),
  /** Side of the square crop that it takes, px. */
  faceSize: z.int().positive(),
  /**
   * How a face is cut: `box` takes the detected box, `landmarks` turns and scales the face so that eyes,
   * nose and mouth are where the encoder expects them.
   */
  alignment: z.enum(['box', 'landmarks']),
  /** Length of an embedding; galleries of multiples of 128 are searched fastest. */
  embeddingLength: z.int().positive().multipleOf(8),
  /** Whether every embedding has length 1. */
  normalised: z.boolean(),
  /** Precisions in which its convolutions can be computed; always includes float32. */
  precisions: z.array(z.enum(['float32', 'bfloat16'])),
  /** Distance below which the nearest person counts as known, unless KNOWN_DISTANCE is set. */
  knownDistance: z.number().positive(),
});
export type EncoderDescription = Readonly<z.output<typeof encoderSchema>>;

/** Whose embeddings can be compared: those of one id, in whichever precision they were computed. */
export function encoderId({ kind, id = kind }: Pick<EncoderDescription, 'kind' | 'id'>): string {
  return id;
}

/** The files of a model with this encoder and these weights, except the manifest. */
export function outputFilesOf({
  encoder: { precisions },
  weights,
}: Pick<Manifest, 'encoder' | 'weights'>): string[] {
  const { manifest, bfloat16, bfloat16Plan, bfloat16Weights, trial, encoderPlan, ...others } =
    modelFiles;
  const rough = precisions.includes('bfloat16')
    ? [bfloat16, bfloat16Plan, bfloat16Weights, trial]
    : [];
  const plan = weights === 'float32' ? [encoderPlan] : [];
  return [...Object.values(others), ...rough, ...plan];
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
   * How far a bfloat16 embedding may be from the float32 one, along the line between two people or to one of them.
   * Absent if the conversion could not measure it; then only float32 is used.
   */
  bfloat16Bound: z.number().positive().optional(),
  /** Distances between the gallery's people; absent in models of earlier versions. */
  odds: gallerySampleSchema.optional(),
  /** Share of faces that bfloat16 is expected to embed again in float32, estimated from the gallery. */
  secondLooks: z.number().min(0).max(1).optional(),
  /** How fast both precisions were on the machine of the conversion. Those of another version's trial are left out. */
  timings: trialTimingsSchema.optional().catch(undefined),
});
export type Manifest = z.output<typeof manifestSchema>;

export const gallerySchema = z.object({
  /** The encoder that made the embeddings; those of another encoder cannot be compared with them. */
  encoder: z.enum(encoderKinds),
  dimensions: z.int().positive(),
  /** The person of each embedding; a person may have several. */
  names: z.array(z.string().min(1)).min(1),
});
