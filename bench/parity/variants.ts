/**
 * Variants of photos that nobody has tuned on: cropped, scaled, mirrored and compressed anew, the same ones
 * for the same seed. Knows no recogniser.
 */
import { parse } from 'node:path';
import sharp from 'sharp';

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

/** Recipes for `count` variants, of each photo in turn. */
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

export async function makeVariant(recipe: Recipe, index: number): Promise<Variant> {
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
