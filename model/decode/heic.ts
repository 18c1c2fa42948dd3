/** HEIC, as iPhones take photos: sharp's libheif has no HEVC decoder, so another one is used. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { moduleUrl } from '../../runtime/installation.ts';
import { brokenImage, ImageError } from '../errors.ts';
import type { RgbImage } from '../image/image.ts';
import type { HeicAnswer } from './heic.thread.ts';

/** Of 48 megapixels, the largest that phones take, 10 s; what takes this long is made to. */
const MOST_MS = 40_000;

/**
 * The photo's primary image. It is turned as the file says, also where EXIF orientation is ignored: in
 * this format that is a part of the image.
 * @throws {ImageError}
 */
export async function decodeHeic(bytes: Uint8Array): Promise<RgbImage> {
  const thread = new Worker(moduleUrl('./heic.thread.ts', import.meta.url), {
    workerData: bytes,
    // Options such as --input-type, of a program given to --eval, are refused by threads.
    execArgv: [],
    // What libheif prints of a broken file is nobody's output.
    stdout: true,
    stderr: true,
  });
  try {
    const signal = AbortSignal.timeout(MOST_MS);
    const [answer] = (await once(thread, 'message', { signal })) as [HeicAnswer];
    if (!('error' in answer)) return answer;
    if (answer.isImage) throw new ImageError(answer.error);
    throw brokenImage(new Error(answer.error));
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') {
      throw new ImageError('The HEIC photo takes too long to decode: send it as JPEG.');
    }
    throw error;
  } finally {
    await thread.terminate();
  }
}
