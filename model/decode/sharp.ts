/** Reads images with sharp, with a limit on the number of pixels. */
import sharp, { type Metadata, type OutputInfo, type Sharp, type SharpOptions } from 'sharp';
import { brokenImage } from '../errors.ts';
import { BACKGROUND, MAX_PIXELS, type RgbImage, requireAcceptedSize } from '../image/image.ts';

// Every photo is decoded once: a cache of decoded photos would only take memory.
sharp.cache(false);

/** Pixels as sharp returns them: `channels` bytes each. */
interface SharpPixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

/** @throws {ImageError} */
export async function readRgb(bytes: Uint8Array, orient: boolean): Promise<RgbImage> {
  const samples = await reading(bytes, orient, (image) =>
    image
      .flatten({ background: { r: BACKGROUND, g: BACKGROUND, b: BACKGROUND } })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true }),
  );
  return threeOf(samples);
}

/**
 * Reads an image of four inks and converts it to RGB as Pillow does, without a colour profile. Channels after
 * the fourth are ignored.
 * @param wide the image has 16 bits per value, of which the upper eight are used
 */
export async function readCmyk(
  bytes: Uint8Array,
  orient: boolean,
  wide = false,
): Promise<RgbImage> {
  const samples = await reading(bytes, orient, (image) =>
    image
      .pipelineColourspace('cmyk')
      .toColourspace('cmyk')
      .raw({ depth: wide ? 'ushort' : 'uchar' })
      .toBuffer({ resolveWithObject: true }),
  );
  if (!wide) return rgbOfInks(samples);
  const { buffer, byteOffset, length } = samples.data;
  const words = new Uint16Array(buffer, byteOffset, length / 2);
  return rgbOfInks({ ...samples, data: Uint8Array.from(words, (word) => word >> 8) });
}

type Raw = { readonly data: Buffer; readonly info: OutputInfo };

async function reading(
  bytes: Uint8Array,
  orient: boolean,
  read: (image: Sharp) => Promise<Raw>,
): Promise<SharpPixels> {
  const options: SharpOptions = {
    autoOrient: orient,
    // 'error' refuses truncated and damaged files, and accepts what libjpeg only warns about.
    failOn: 'error',
    ignoreIcc: true,
    limitInputPixels: MAX_PIXELS,
    sequentialRead: true,
  };
  try {
    const { data, info } = await read(sharp(bytes, options));
    const { width, height, channels } = info;
    return { width, height, channels, data };
  } catch (error) {
    // Only after a failure, because reading the header takes up to a millisecond.
    const { width, height, pageHeight = height } = await readMetadata(bytes, options);
    requireAcceptedSize(width, pageHeight);
    throw brokenImage(error);
  }
}

async function readMetadata(bytes: Uint8Array, options: SharpOptions): Promise<Metadata> {
  try {
    // Without a limit, to tell a size over the limit from a broken file; reads the header only.
    return await sharp(bytes, { ...options, limitInputPixels: false }).metadata();
  } catch (error) {
    throw brokenImage(error);
  }
}

/** One value per pixel is grey; of more than three values the first three are the colours. */
function threeOf({ width, height, channels, data }: SharpPixels): RgbImage {
  if (channels === 3) return { width, height, data };
  const rgb = new Uint8Array(width * height * 3);
  for (let pixel = 0, to = 0; to < rgb.length; pixel += channels) {
    for (let colour = 0; colour < 3; colour++) {
      rgb[to++] = data[pixel + (channels < 3 ? 0 : colour)]!;
    }
  }
  return { width, height, data: rgb };
}

function rgbOfInks({ width, height, channels, data }: SharpPixels): RgbImage {
  const rgb = new Uint8Array(width * height * 3);
  for (let pixel = 0, to = 0; to < rgb.length; pixel += channels) {
    const light = 255 - data[pixel + 3]!;
    for (let ink = 0; ink < 3; ink++) {
      // The product divided by 255, rounded.
      rgb[to++] = light - Math.floor((2 * data[pixel + ink]! * light + 255) / 510);
    }
  }
  return { width, height, data: rgb };
}
