/** `/v1/gallery`: which version is live, and the way back to an earlier one. */
import { Router } from 'express';
import type { GalleryStore } from '../../../people/store.ts';
import { allowMethods, noOptions } from '../../api/route-rules.ts';
import type { PeopleRoutes } from '../parts.ts';
import { readJson } from '../request/json-body.ts';
import { rollbackSchema } from '../schemas.ts';
import { galleryFailure } from './gallery.ts';

export function versionsRouter(
  parts: PeopleRoutes & { readonly store: Pick<GalleryStore, 'versions'> },
): Router {
  const { gallery, store } = parts;
  const router = Router();
  const state = async () => {
    const { version, people, faces, encoder, at } = await gallery.now();
    return { version, people: people.size, faces, encoder, at };
  };

  router.get('/v1/gallery', noOptions, async (request, response) => {
    parts.enter(request, response);
    response.json(await state());
  });
  router.all('/v1/gallery', allowMethods('GET, HEAD'));

  router.get('/v1/gallery/versions', noOptions, async (request, response) => {
    parts.enter(request, response);
    // Also where the newest one is damaged, so that there is a way back.
    await gallery.now().catch(() => undefined);
    response.json({ versions: await store.versions().catch(galleryFailure) });
  });
  router.all('/v1/gallery/versions', allowMethods('GET, HEAD'));

  router.post('/v1/gallery/rollback', noOptions, async (request, response) => {
    parts.enter(request, response);
    const { version } = await readJson(rollbackSchema, request, response);
    await gallery.rollback(version);
    response.json(await state());
  });
  router.all('/v1/gallery/rollback', allowMethods('POST'));
  return router;
}
