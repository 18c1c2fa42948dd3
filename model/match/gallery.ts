/** The known people: reads their names and embeddings from the model folder. Does not compare them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { commandLine } from '../../runtime/installation.ts';
import { ModelError } from '../errors.ts';
import { type EncoderDescription, type EncoderKind, gallerySchema, modelFiles } from '../format.ts';

export interface Gallery {
  /** The encoder that its embeddings are of. */
  readonly encoder: EncoderKind;
  /** The person of each embedding; a person may have several. */
  readonly names: readonly string[];
  /** [names, the encoder's embedding length] */
  readonly embeddings: Float32Array;
}

/**
 * Reads gallery.json and gallery.bin.
 * @throws {ModelError} when one is missing or they do not fit each other
 */
export async function readGallery(directory: string): Promise<Gallery> {
  const { encoder, dimensions, names } = await readDescription(join(directory, modelFiles.gallery));
  const path = join(directory, modelFiles.galleryEmbeddings);
  const bytes = await readModelFile(path);
  const length = names.length * dimensions;
  if (bytes.byteLength !== length * 4) {
    throw new ModelError(
      `${path} has ${bytes.byteLength} bytes where ${names.length} people's embeddings take ` +
        `${length * 4}: convert again with \`${commandLine('convert')}\`.`,
    );
  }
  // Little-endian in the file, as on every machine Node and TensorFlow run on; copied to align it.
  return { encoder, names, embeddings: new Float32Array(new Uint8Array(bytes).buffer) };
}

/** @throws {ModelError} when another encoder made it: distances to its embeddings would mean nothing */
export function requireGalleryOf(
  { kind, embeddingLength }: EncoderDescription,
  { encoder, names, embeddings }: Gallery,
  directory: string,
): void {
  if (encoder === kind && embeddings.length === names.length * embeddingLength) return;
  throw new ModelError(
    `The gallery in ${directory} holds ${encoder} embeddings of ${embeddings.length / names.length} ` +
      `numbers, the model gives ${kind} embeddings of ${embeddingLength}: convert the photos of its ` +
      `people again with \`${commandLine('convert', '--gallery FOLDER')}\`.`,
  );
}

async function readDescription(path: string): Promise<z.output<typeof gallerySchema>> {
  const bytes = await readModelFile(path);
  try {
    return gallerySchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    throw new ModelError(
      `${path} is not a gallery this version can read: convert again with \`${commandLine('convert')}\`.`,
      { cause },
    );
  }
}

async function readModelFile(path: string): Promise<NonSharedBuffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new ModelError(
      `The model has no ${path}: convert it with \`${commandLine('convert')}\`.`,
      {
        cause,
      },
    );
  }
}
