/** Decodes HEIC, the format of iPhone photos. sharp's libheif has no HEVC decoder, so libheif-js is used. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { moduleUrl } from '../../runtime/installation.ts';
import { brokenImage, ImageError } from '../errors.ts';
import type { RgbImage } from '../image/image.ts';
import type { HeicAnswer } from './heic.thread.ts';

/** Four times what the largest phone photos (48 megapixels) take. */
const MAX_DECODE_MS = 40_000;

/**
 * Decodes the photo's primary image, turned as the file says, even if EXIF orientation is ignored: in this
 * format the turn is part of the image.
 * @throws {ImageError}
 */
export async function decodeHeic(bytes: Uint8Array): Promise<RgbImage> {
  const thread = new Worker(moduleUrl('./heic.thread.ts', import.meta.url), {
    workerData: bytes,
    // A thread refuses options that a program given to --eval may have, such as --input-type.
    execArgv: [],
    // libheif prints messages about broken files, which must not reach this process's output.
    stdout: true,
    stderr: true,
  });
  try {
    const signal = AbortSignal.timeout(MAX_DECODE_MS);
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
