/**
 * `npm run bench -- parity`: variants of photos on both engines beside facenet-pytorch itself. Every box
 * must be its box; where NumPy's unstable sort takes another of several equal boxes, the photo is named.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, parse } from 'node:path';
import sharp from 'sharp';
import { ensureModel } from '../../convert/ensure-model.ts';
import { encoderFiles, findModelData } from '../../convert/sources/model-data.ts';
import { alignFaces } from '../../model/align/align.ts';
import { openNetworks } from '../../model/backend/open-networks.ts';
import { decodeImage } from '../../model/decode/decode.ts';
import { detectFaces } from '../../model/detect/cascade.ts';
import { detectLargestFace } from '../../model/detect/largest.ts';
import type { Backend } from '../../model/index.ts';
import type { Networks } from '../../model/networks.ts';
import type { OnStep } from '../../runtime/progress.ts';
import { readSettings } from '../../runtime/settings.ts';
import { BenchError } from '../errors.ts';
import { imagesIn, parityPhotos } from '../inference/photos.ts';
import { FACENET, openPython } from '../python.ts';
import { type Answer, type Comparison, compare, Reference } from './compare.ts';

export interface ParityOptions {
  readonly variants: number;
  /** Photos or folders; default the reference photos beside the checkout. */
  readonly images: readonly string[];
  /** A Python with facenet-pytorch; else one is made. */
  readonly python: string | undefined;
  readonly json: boolean;
}

export interface Compared extends Comparison {
  readonly variant: string;
  readonly backend: Backend;
}

const BACKENDS = ['tensorflow', 'wasm'] as const satisfies readonly Backend[];

/** @throws {BenchError} when a box is another than facenet-pytorch's */
export async function benchParity(
  options: ParityOptions,
  step: OnStep,
  say: (line: string) => void,
): Promise<string> {
  const photos = options.images.length > 0 ? await imagesIn(options.images) : await parityPhotos();
  if (photos.length === 0) throw new BenchError('There is no photo: name some with --images.');
  const settings = readSettings();
  await ensureModel(settings, step);
  const { encoder } = await findModelData({
    checkpoints: settings.FACE_CHECKPOINTS,
    encoder: 'facenet',
  });
  const python = await openPython({ ...FACENET, python: options.python }, step);
  const networks: Networks[] = [];
  const scratch = await mkdtemp(join(tmpdir(), 'elastic-face-parity-'));
  const reference = new Reference(python, encoderFiles(encoder).encoder!);
  const all: Compared[] = [];
  try {
    for (const backend of BACKENDS) {
      networks.push(await openNetworks(settings.MODEL_DIR, { backend }));
    }
    const recipes = recipesFor(photos, options.variants);
    for (const [index, recipe] of recipes.entries()) {
      step('variants', { done: index, all: recipes.length });
      const { name, bytes } = await makeVariant(recipe, index);
      const path = join(scratch, name);
      await writeFile(path, bytes);
      const expected = await reference.answer(path);
      for (const one of networks) {
        const compared = compare(await answerOf(one, bytes), expected);
        const result = { variant: name, backend: one.backend, ...compared };
        all.push(result);
        if (compared.verdict !== 'same') say(`${one.backend}: ${sentenceOf(result)}`);
      }
      await rm(path);
    }
  } finally {
    reference.close();
    for (const one of networks) one.dispose();
    await rm(scratch, { recursive: true, force: true });
  }
  const report = options.json ? JSON.stringify(all, null, 2) : parityReport(all);
  if (all.some(({ verdict }) => verdict === 'differs')) throw new BenchError(report);
  return report;
}

async function answerOf(networks: Networks, bytes: Buffer): Promise<Answer> {
  const image = await decodeImage(bytes, { orient: false });
  const faces = detectFaces(networks, image);
  const largest = detectLargestFace(networks, image);
  const embedding = largest && networks.embed(alignFaces(image, [largest], networks.encoder), 1);
  return { faces, largest, embedding };
}

/** A line an engine, then one for each photo whose boxes are not simply the same. */
export function parityReport(all: readonly Compared[]): string {
  const lines = BACKENDS.flatMap((backend) => {
    const own = all.filter((one) => one.backend === backend);
    const count = (verdict: Comparison['verdict']): number =>
      own.filter((one) => one.verdict === verdict).length;
    const agreed = own.filter(({ verdict }) => verdict !== 'differs');
    const most = (of: 'pixels' | 'embedding'): string =>
      Math.max(0, ...agreed.map((one) => one[of])).toPrecision(2);
    return [
      `${backend}: ${own.length} variants, ${count('same')} the same, ${count('tie')} with exact ties, ` +
        `${count('differs')} different; boxes and landmarks within ${most('pixels')} px, embeddings within ${most('embedding')}`,
      ...own.filter(({ verdict }) => verdict !== 'same').map((one) => `  ${sentenceOf(one)}`),
    ];
  });
  return lines.join('\n');
}

function sentenceOf({ variant, verdict, pixels, embedding }: Compared): string {
  if (verdict === 'tie')
    return `${variant}: an exact tie, which NumPy’s unstable sort orders otherwise`;
  return `${variant}: ${pixels.toPrecision(3)} px off, embedding ${embedding.toPrecision(3)} off`;
}

export interface Variant {
  /** File name; says how it was made. */
  readonly name: string;
  readonly bytes: Buffer;
}

interface Recipe {
  readonly path: string;
  /** Of the photo, as shares of its sides. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Of the variant's longer side, px. */
  readonly side: number;
  readonly mirrored: boolean;
  /** Of the JPEG; undefined makes a PNG. */
  readonly quality: number | undefined;
}

/** px of the longer side. */
const SIDES = { least: 64, most: 640 } as const;
/** Shares of the photo's sides. */
const LEAST_CROP = 0.45;
const QUALITIES = { least: 25, most: 98 } as const;
const PNG_EVERY = 8;

/**
 * Recipes for `count` variants, of each photo in turn: photos that nobody has tuned on, cropped, scaled, mirrored and
 * compressed again, the same ones for the same seed.
 */
export function recipesFor(paths: readonly string[], count: number, seed = 1): Recipe[] {
  const random = generator(seed);
  const between = (least: number, most: number): number => least + random() * (most - least);
  return Array.from({ length: count }, (_, index) => {
    const [width, height] = [between(LEAST_CROP, 1), between(LEAST_CROP, 1)];
    return {
      path: paths[index % paths.length]!,
      left: random() * (1 - width),
      top: random() * (1 - height),
      width,
      height,
      side: Math.round(between(SIDES.least, SIDES.most)),
      mirrored: random() < 0.5,
      quality:
        random() < 1 / PNG_EVERY ? undefined : Math.round(between(QUALITIES.least, QUALITIES.most)),
    };
  });
}

async function makeVariant(recipe: Recipe, index: number): Promise<Variant> {
  const photo = sharp(recipe.path, { ignoreIcc: true });
  const { width, height } = await photo.metadata();
  const cut = {
    left: Math.floor(recipe.left * width),
    top: Math.floor(recipe.top * height),
    width: Math.ceil(recipe.width * width),
    height: Math.ceil(recipe.height * height),
  };
  const { side, mirrored, quality } = recipe;
  const made = photo
    .extract({
      ...cut,
      width: Math.min(cut.width, width - cut.left),
      height: Math.min(cut.height, height - cut.top),
    })
    .flop(mirrored)
    .resize(side, side, { fit: 'inside' });
  const bytes = await (quality === undefined ? made.png() : made.jpeg({ quality })).toBuffer();
  const how = [side, ...(mirrored ? ['mirrored'] : []), ...(quality ? [`q${quality}`] : [])];
  const ending = quality === undefined ? 'png' : 'jpg';
  return { name: `${index}-${parse(recipe.path).name}-${how.join('-')}.${ending}`, bytes };
}

/** From 0 to 1 (mulberry32), so that a difference can be seen again. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
