/** Decodes one HEIC photo in a thread that ends with it, because decoding takes seconds and much memory. */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../runtime/errors.ts';
import { ImageError } from '../errors.ts';
import { BACKGROUND, requireAcceptedSize } from '../image/image.ts';
import { type HeifPixels, readHeif } from './libheif.ts';

export type HeicAnswer =
  | { readonly width: number; readonly height: number; readonly data: Uint8Array }
  /** `isImage`: the message is meant for the sender of the photo. */
  | { readonly error: string; readonly isImage: boolean };

/** Of a channel, and of opacity. */
const FULL = 255;

/** Without padding, and laid on white. */
function rgbOf({ width, height, channels, stride, isPremultiplied, data }: HeifPixels): Uint8Array {
  const rgb = new Uint8Array(width * height * 3);
  for (let row = 0, to = 0; row < height; row++) {
    const from = row * stride;
    if (channels === 3) {
      rgb.set(data.subarray(from, from + width * 3), to);
      to += width * 3;
      continue;
    }
    for (let at = from; at < from + width * 4; at += 4) {
      const opacity = data[at + 3]!;
      const share = isPremultiplied ? FULL : opacity;
      for (let colour = 0; colour < 3; colour++) {
        const value = (data[at + colour]! * share + BACKGROUND * (FULL - opacity)) / FULL;
        rgb[to++] = Math.min(Math.round(value), FULL);
      }
    }
  }
  return rgb;
}

async function answer(bytes: Uint8Array): Promise<HeicAnswer> {
  try {
    const pixels = await readHeif(bytes, requireAcceptedSize);
    return { width: pixels.width, height: pixels.height, data: rgbOf(pixels) };
  } catch (error) {
    return { error: messageOf(error), isImage: error instanceof ImageError };
  }
}

const done = await answer(workerData as Uint8Array);
parentPort!.postMessage(done, 'data' in done ? [done.data.buffer as ArrayBuffer] : []);
