/** `/v1/receipts`: what was forgotten, and the key to check it by. */
import { Router } from 'express';
import { allowMethods, noOptions } from '../../api/route-rules.ts';
import { idSchema } from '../../api/schemas.ts';
import type { Begin } from '../../begin.ts';
import { peopleError } from '../errors.ts';
import { galleryFailure } from '../gallery/gallery.ts';
import type { Receipts } from './receipts.ts';
import type { SigningKey } from './signing-key.ts';

export interface ReceiptRoutes extends Pick<Begin, 'enter'> {
  readonly receipts: Pick<Receipts, 'find'>;
  readonly signingKey: () => Promise<SigningKey>;
}

export function receiptsRouter({ enter, receipts, signingKey }: ReceiptRoutes): Router {
  const router = Router();
  router.get('/v1/receipts/key', noOptions, async (request, response) => {
    enter(request, response);
    const { id, publicKey, made } = await signingKey().catch(galleryFailure);
    response.json({ id, algorithm: 'Ed25519', publicKey, made });
  });
  router.get('/v1/receipts/:id', noOptions, async (request, response) => {
    enter(request, response);
    const id = idSchema.safeParse(request.params.id.toLowerCase()).data;
    const receipt = id && (await receipts.find(id).catch(galleryFailure));
    if (!receipt) throw peopleError.unknownReceipt();
    response.json(receipt);
  });
  router.all(['/v1/receipts/key', '/v1/receipts/:id'], allowMethods('GET, HEAD'));
  return router;
}
