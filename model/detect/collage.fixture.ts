/** Photos of known faces at random places and sizes, over and beside each other: equal seeds give equal ones. */
import sharp, { type OverlayOptions } from 'sharp';
import type { RgbImage } from '../image/image.ts';

const MOST_FACES = 7;

/** @param photos encoded photos that faces are taken from */
export async function collage(photos: readonly Uint8Array[], seed: number): Promise<RgbImage> {
  const random = randomBy(seed);
  const whole = (from: number, to: number): number => Math.floor(from + random() * (to - from));
  const [width, height] = [whole(400, 1000), whole(400, 1000)];
  const layers: OverlayOptions[] = [];
  for (let count = whole(1, MOST_FACES + 1); count > 0; count--) {
    const side = Math.max(16, Math.floor(width * (0.05 + random() ** 2 * 0.9)));
    const high = Math.max(16, Math.floor(side * (0.8 + random() * 0.5)));
    let layer = sharp(photos[whole(0, photos.length)]).resize(side, high, { fit: 'fill' });
    if (random() < 0.5) layer = layer.flop();
    if (random() < 0.2) layer = layer.blur(0.5 + random() * 2);
    const [left, top] = [whole(-side / 2, width - side / 2), whole(-high / 2, height - high / 2)];
    const inside = {
      left: Math.max(0, -left),
      top: Math.max(0, -top),
      width: Math.min(side, width - left) - Math.max(0, -left),
      height: Math.min(high, height - top) - Math.max(0, -top),
    };
    const input = await sharp(await layer.png().toBuffer())
      .extract(inside)
      .png()
      .toBuffer();
    layers.push({ input, left: Math.max(0, left), top: Math.max(0, top) });
  }
  const background = { r: whole(0, 256), g: whole(0, 256), b: whole(0, 256) };
  const data = await sharp({ create: { width, height, channels: 3, background } })
    .composite(layers)
    .removeAlpha()
    .raw()
    .toBuffer();
  return { width, height, data };
}

/** A linear congruential generator (Numerical Recipes), 0 to 1. */
function randomBy(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
