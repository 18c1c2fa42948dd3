/**
 * What the networks' own programs answer, with the published weights, for images that a formula makes: by
 * these numbers a conversion is judged wherever no photo and no Python is at hand. Knows nothing of the conversion.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { EncoderKind } from '../../model/format.ts';
import type { Networks } from '../../model/networks.ts';

const values = z.array(z.number()).transform((numbers): Float32Array => Float32Array.from(numbers));

/** Of facenet-pytorch 2.6.0 on PyTorch 2.15 in float64, NHWC, for `referenceImages` of these sizes. */
const referenceSchema = z.object({
  pnet: z.object({ probability: values, regression: values }),
  rnet: z.object({ probability: values, regression: values }),
  onet: z.object({ probability: values, regression: values, landmarks: values }),
  encoder: z.object({ embedding: values }),
});
/** Of @vladmandic/face-api: the file says how it was run. */
const compactSchema = z.object({ about: z.string(), encoder: z.object({ embedding: values }) });

export type Answers = z.output<typeof referenceSchema>;

/** Odd and even sides, so that pooling meets both. */
const PROPOSAL = { height: 19, width: 16 };
export const COUNT = 2;

export function readReference(encoder: EncoderKind): Answers {
  const answers = referenceSchema.parse(readJson('reference.json'));
  if (encoder === 'facenet') return answers;
  return { ...answers, encoder: compactSchema.parse(readJson('reference-compact.json')).encoder };
}

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8'));
}

/** Runs each network once on its reference images. */
export function answersOf(networks: Networks): Answers {
  const { height, width } = PROPOSAL;
  const { faceSize } = networks.encoder;
  const image = referenceImages(1, height, width);
  const { probability, regression } = networks.propose(image, height, width);
  return {
    pnet: { probability, regression },
    rnet: networks.refine(referenceImages(COUNT, 24, 24), COUNT),
    onet: networks.output(referenceImages(COUNT, 48, 48), COUNT),
    encoder: { embedding: networks.embed(referenceImages(COUNT, faceSize, faceSize), COUNT) },
  };
}

/**
 * For an encoder that takes crops of `size` px, to compare precisions with: more of them than PyTorch's
 * answers are kept for.
 */
export function referenceFaces(size: number): { faces: Float32Array; count: number } {
  const count = 16;
  return { faces: referenceImages(count, size, size), count };
}

/**
 * Slanted waves of each colour with a quarter of noise, in whole-number arithmetic so that any language
 * makes the same pixels.
 * @returns [count, height, width, 3], (x − 127.5) / 128
 */
export function referenceImages(count: number, height: number, width: number): Float32Array {
  const values = new Float32Array(count * height * width * 3);
  let at = 0;
  for (let image = 0; image < count; image++) {
    // Knuth's multiplicative hash makes the seed, Numerical Recipes' generator the noise.
    let noise = Math.imul(image + 1, 2_654_435_761) >>> 0;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let colour = 0; colour < 3; colour++) {
          noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) >>> 0;
          const wave = triangle(5 * x + 7 * y + 85 * colour + 97 * image);
          const pixel = (3 * wave + (noise >>> 24)) >> 2;
          values[at++] = (pixel - 127.5) / 128;
        }
      }
    }
  }
  return values;
}

/** 255 down to 0 and up again, every 510 steps. */
function triangle(step: number): number {
  return Math.abs((step % 510) - 255);
}
