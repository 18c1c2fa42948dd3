/** `/v1/people/import` and `/v1/people/export`: people from one deployment to another, as JSON Lines. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Router } from 'express';
import { ImportError } from '../../../people/errors.ts';
import type { GalleryStore } from '../../../people/store.ts';
import { allowMethods, noOptions } from '../../api/route-rules.ts';
import { peopleError } from '../errors.ts';
import type { PeopleRoutes } from '../parts.ts';
import { expectsContinue } from '../request/json-body.ts';
import { galleryFailure, isUnpublished } from './gallery.ts';

const LINES = 'application/jsonl';
/** A pipeline adds several to those that every request has. */
const MOST_LISTENERS = 30;
const ACCEPTED = [LINES, 'application/x-ndjson', 'application/x-jsonlines'];

export function transferRouter(
  parts: PeopleRoutes & { readonly store: Pick<GalleryStore, 'import' | 'export'> },
): Router {
  const { gallery, store } = parts;
  const router = Router();

  router.post('/v1/people/import', noOptions, async (request, response) => {
    parts.enter(request, response);
    if (!request.is(ACCEPTED)) {
      throw peopleError.notJson(request.get('Content-Type') ?? '', LINES);
    }
    if (expectsContinue(request)) response.writeContinue();
    try {
      const { version, people, faces } = await store.import(
        // Kept open for the answer when a line is refused.
        request.iterator({ destroyOnReturn: false }),
      );
      await gallery.announce(version);
      response.json({ people, faces, gallery: version });
    } catch (error) {
      // The remaining lines are not read.
      response.set('Connection', 'close');
      response.on('finish', () => request.destroy());
      if (error instanceof ImportError) throw peopleError.badImport(error.message, error);
      galleryFailure(error);
    }
  });
  router.all('/v1/people/import', allowMethods('POST'));

  router.get('/v1/people/export', noOptions, async (request, response) => {
    parts.enter(request, response);
    // A change that was answered is in the file. Without an encoder there is no first line to write.
    if (isUnpublished(await gallery.now())) throw peopleError.notPublished();
    response.attachment('people.jsonl').set('Content-Type', LINES);
    if (request.method === 'HEAD') return void response.end();
    response.setMaxListeners(MOST_LISTENERS);
    await pipeline(Readable.from(store.export()), response);
  });
  router.all('/v1/people/export', allowMethods('GET, HEAD'));
  return router;
}
