/** Sample photos that the page may post: those of one folder, by plain names. None without a folder. */
import { readdir } from 'node:fs/promises';
import type { Response } from 'express';
import { httpError } from '../errors.ts';

/** No path, and nothing hidden. */
const NAME = /^[\w-][\w.-]{0,99}\.(?:jpe?g|png|webp)$/i;
const MOST_NAMES = 1000;
/** The list may change while the service runs, the photo of a name hardly ever. Both may need a key. */
const LIST_CACHING = 'private, max-age=60';
const PHOTO_CACHING = 'private, max-age=3600';

export interface Samples {
  list(response: Response): Promise<void>;
  /** @throws {HttpError} 404 when there is none of that name */
  send(name: string, response: Response): Promise<void>;
}

/** @param folder absolute; undefined where there are none */
export function openSamples(folder: string | undefined): Samples {
  return {
    async list(response) {
      const files = folder === undefined ? [] : await readdir(folder).catch(() => []);
      const names = files.filter((file) => NAME.test(file)).sort();
      response.set('Cache-Control', LIST_CACHING);
      response.json(names.slice(0, MOST_NAMES));
    },
    async send(name, response) {
      if (folder === undefined || !NAME.test(name)) throw httpError.noSample();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      response.sendFile(
        name,
        { root: folder, cacheControl: false, headers: { 'Cache-Control': PHOTO_CACHING } },
        (error: NodeJS.ErrnoException | undefined) => {
          if (error === undefined || response.headersSent)
            resolve(); // After the headers, an error means that the client disconnected.
          else reject(httpError.noSample(error));
        },
      );
      await promise;
    },
  };
}
