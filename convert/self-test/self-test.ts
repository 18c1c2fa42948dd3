/**
 * Judges a converted model by its answers: those of the published weights, or at least sane ones.
 * Knows the four networks by what they return, not how they were made.
 */
import type { EncoderDescription, EncoderKind, Manifest } from '../../model/format.ts';
import type { Networks } from '../../model/networks.ts';
import { SelfTestError } from '../errors.ts';
import { type Answers, answersOf, COUNT, readReference, referenceFaces } from './reference.ts';

/** Largest distance (L2) of an embedding, and difference of any other output, from PyTorch's. */
export const TOLERANCE = 1e-4;
/**
 * The same of embeddings whose weights are stored as float16: measured 7.2e-4. Distances to people then
 * move by 4e-4, since few lie where the error points.
 */
export const FLOAT16_TOLERANCE = 1e-3;

export interface Deviations {
  readonly pnet: number;
  readonly rnet: number;
  readonly onet: number;
  readonly encoder: number;
}

/** The publisher of the weights, in messages. */
const published: Record<Exclude<keyof Deviations, 'encoder'>, string> = {
  pnet: 'pnet.pt of facenet-pytorch',
  rnet: 'rnet.pt of facenet-pytorch',
  onet: 'onet.pt of facenet-pytorch',
};

const publishedEncoders: Record<EncoderKind, string> = {
  facenet: '20180402-114759-vggface2.pt of facenet-pytorch',
  compact: 'face_recognition_model.bin of @vladmandic/face-api',
};

export interface Verdict {
  readonly answers: Answers;
  /** From PyTorch's answers with the published weights. */
  readonly deviations: Deviations;
}

export interface SelfTestOptions {
  /** Accept weights that are not the published ones, as long as the answers are sane. */
  readonly anyWeights?: boolean;
  /** How the encoder's are stored: rounded ones may be further off. */
  readonly weights?: Manifest['weights'];
  /** Another engine's answers, which these must agree with. */
  readonly others?: Answers | undefined;
}

/**
 * @throws {SelfTestError} naming the network that is off and by how much
 */
export function selfTest(
  networks: Networks,
  { anyWeights = false, weights = 'float32', others }: SelfTestOptions = {},
): Verdict {
  const { encoder } = networks;
  const answers = answersOf(networks);
  checkSane(answers, encoder);
  if (others !== undefined) checkAgreement(deviationsOf(answers, others), networks.backend);
  const deviations = deviationsOf(answers, readReference(encoder.kind));
  if (!anyWeights) checkPublished(deviations, weights, encoder.kind);
  return { answers, deviations };
}

/**
 * What a decision can see of an error: a name hangs on the line between two people, `known` on the line to one, and
 * an error of 512 numbers never lies along them. Of 3,700 faces none moved along such a line by more than 0.75 of the
 * largest error on the reference images; of those whose names were nearly open, none by more than 0.68.
 */
const SEEN_OF_ERROR = 0.8;
/** Beyond it nearly every face would be embedded again: the bfloat16 encoder is then of no use. */
const LARGEST_BOUND = 0.5;

/**
 * How far a bfloat16 embedding may be from the float32 one along the line between two people or to one of them, by
 * the largest error on the reference images. An error across the line may be larger: it changes no name.
 * @param networks opened in bfloat16
 * @throws {SelfTestError} when the two are not of one encoder
 */
export function measureBfloat16(networks: Networks): number {
  const { faces, count } = referenceFaces(networks.encoder.faceSize);
  const rough = networks.embed(faces, count, 'bfloat16');
  const exact = networks.embed(faces, count, 'float32');
  const bound = SEEN_OF_ERROR * largestDistance(rough, exact, count);
  if (bound <= LARGEST_BOUND) return bound;
  throw new SelfTestError(
    `The converted encoder answers ${bound.toPrecision(2)} off in bfloat16: the model cannot be used.`,
  );
}

/** How far answers are from each other: the largest difference, for embeddings the largest distance. */
export function deviationsOf(answers: Answers, expected: Answers): Deviations {
  return {
    pnet: largestDifference(answers.pnet, expected.pnet),
    rnet: largestDifference(answers.rnet, expected.rnet),
    onet: largestDifference(answers.onet, expected.onet),
    encoder: largestDistance(answers.encoder.embedding, expected.encoder.embedding, COUNT),
  };
}

/** @throws {SelfTestError} when a deviation is above what is allowed */
export function checkPublished(
  deviations: Deviations,
  weights: Manifest['weights'] = 'float32',
  encoder: EncoderKind = 'facenet',
): void {
  const limits = limitsOf(weights);
  for (const [network, deviation] of above(deviations, limits)) {
    throw new SelfTestError(
      `The converted ${network} answers ${deviation.toPrecision(2)} off (allowed: ${limits[network]}): ` +
        `its weights are not those of ${network === 'encoder' ? publishedEncoders[encoder] : published[network]}. ` +
        'To use other weights on purpose, convert with --any-weights.',
    );
  }
}

/** Engines run two files made from one graph: where they differ, one file or engine is wrong. */
function checkAgreement(deviations: Deviations, backend: string): void {
  for (const [network, deviation] of above(deviations, limitsOf('float32'))) {
    throw new SelfTestError(
      `The converted ${network} answers differently on ${backend} than on another engine, by ` +
        `${deviation.toPrecision(2)} (allowed: ${TOLERANCE}): the model cannot be used.`,
    );
  }
}

function limitsOf(weights: Manifest['weights']): Deviations {
  const encoder = weights === 'float16' ? FLOAT16_TOLERANCE : TOLERANCE;
  return { pnet: TOLERANCE, rnet: TOLERANCE, onet: TOLERANCE, encoder };
}

function above(deviations: Deviations, limits: Deviations): [keyof Deviations, number][] {
  const names = Object.keys(limits) as (keyof Deviations)[];
  return names
    .map((name): [keyof Deviations, number] => [name, deviations[name]])
    .filter(([name, deviation]) => !(deviation <= limits[name]));
}

/** @throws {SelfTestError} when an answer is not finite, a probability or a length is impossible */
export function checkSane(
  answers: Answers,
  { normalised, embeddingLength }: EncoderDescription,
): void {
  for (const [network, outputs] of Object.entries(answers)) {
    for (const [output, values] of Object.entries<Float32Array>(outputs)) {
      if (values.every(Number.isFinite)) continue;
      throw new SelfTestError(
        `The converted ${network} gives ${output} that is not finite: its weights are damaged.`,
      );
    }
  }
  for (const network of ['pnet', 'rnet', 'onet'] as const) {
    const { probability } = answers[network];
    if (probability.every((value) => value >= 0 && value <= 1 + TOLERANCE)) continue;
    throw new SelfTestError(`The converted ${network} gives probabilities outside 0 to 1.`);
  }
  const { embedding } = answers.encoder;
  if (!normalised) return;
  for (let row = 0; row < embedding.length; row += embeddingLength) {
    const length = Math.hypot(...embedding.subarray(row, row + embeddingLength));
    if (Math.abs(length - 1) < TOLERANCE) continue;
    throw new SelfTestError(`The converted encoder gives an embedding of length ${length}, not 1.`);
  }
}

function largestDifference<Name extends string>(
  answers: Readonly<Record<Name, Float32Array>>,
  expected: Readonly<Record<Name, Float32Array>>,
): number {
  const names = Object.keys(expected) as Name[];
  return Math.max(
    ...names.map((name) => {
      const [a, b] = [answers[name], expected[name]];
      if (a.length !== b.length) return Number.POSITIVE_INFINITY;
      return a.reduce((most, value, at) => Math.max(most, Math.abs(value - b[at]!)), 0);
    }),
  );
}

/** @param count of embeddings */
function largestDistance(embeddings: Float32Array, expected: Float32Array, count: number): number {
  if (embeddings.length !== expected.length) return Number.POSITIVE_INFINITY;
  const length = expected.length / count;
  let most = 0;
  for (let row = 0; row < expected.length; row += length) {
    let squares = 0;
    for (let at = row; at < row + length; at++) {
      squares += (embeddings[at]! - expected[at]!) ** 2;
    }
    most = Math.max(most, Math.sqrt(squares));
  }
  return most;
}
