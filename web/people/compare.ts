/** `/v1/verifications`, `/v1/searches`, `/v1/embeddings` and `/v1/detections`: what the model says of faces. */
import { Router } from 'express';
import type { WorkFace, WorkResult } from '../../cloud/contract/people-work.ts';
import { type GalleryIndex, isPersonId } from '../../people/records.ts';
import { allowMethods, noOptions } from '../api/route-rules.ts';
import type { CheckedPhoto } from '../upload/photo.ts';
import { peopleError, photoWords } from './errors.ts';
import { isUnpublished, personOf } from './gallery/gallery.ts';
import { type PeopleRoutes, workRequest } from './parts.ts';
import { readJson } from './request/json-body.ts';
import {
  galleryQuerySchema,
  searchSchema,
  verifyFormSchema,
  verifyQuerySchema,
} from './schemas.ts';

/** Photos of one request for embeddings or detections. */
export const MOST_COMPUTED_PHOTOS = 10;
const NEAREST = 10;
const FLOAT_BYTES = 4;

export function compareRouter(parts: PeopleRoutes): Router {
  const { gallery, submit, takeForm } = parts;
  const router = Router();

  router.post('/v1/verifications', async (request, response) => {
    const exchange = await parts.open(request, response);
    const rules = { most: 2, fields: verifyFormSchema, query: verifyQuerySchema };
    const answer = await takeForm(rules, request, response, exchange, async (form) => {
      const { person, ...options } = form.fields;
      await gallery.require(options.gallery);
      checkSides(form.photos, person);
      const compared = person === undefined ? undefined : idOf(await gallery.now(), person);
      const { result } = await submit(
        { ...options, work: 'verify', photos: form.photos, person: compared },
        await workRequest(exchange),
      );
      const files = form.photos.map(({ file }) => file);
      return async () => {
        const computed = await result;
        // Their embeddings are compared with each other, or with the gallery's.
        if (compared !== undefined) requireEncoder(computed, await gallery.now());
        return verificationOf(computed, files);
      };
    });
    response.json(await answer());
  });

  for (const [path, work] of [
    ['/v1/embeddings', 'embed'],
    ['/v1/detections', 'detect'],
  ] as const) {
    router.post(path, async (request, response) => {
      const exchange = await parts.open(request, response);
      const rules = {
        most: MOST_COMPUTED_PHOTOS,
        fields: galleryQuerySchema,
        query: galleryQuerySchema,
      };
      const answer = await takeForm(rules, request, response, exchange, async (form) => {
        await gallery.require(form.fields.gallery);
        const { result } = await submit(
          { ...form.fields, work, photos: form.photos },
          await workRequest(exchange),
        );
        const files = form.photos.map(({ file }) => file);
        return async () => computedOf(await result, files);
      });
      response.json(await answer());
    });
  }

  router.post('/v1/searches', noOptions, async (request, response) => {
    const exchange = await parts.open(request, response);
    const {
      embedding,
      encoder,
      top = NEAREST,
      ...options
    } = await readJson(searchSchema, request, response);
    const bytes = floatBytes(embedding);
    await gallery.require(options.gallery);
    const index = await gallery.now();
    if (encoder !== undefined && index.encoder !== undefined && encoder !== index.encoder) {
      throw peopleError.otherEncoder(encoder, index.encoder);
    }
    if (index.length !== undefined && bytes.length !== index.length * FLOAT_BYTES) {
      throw peopleError.otherLength(bytes.length, index.length);
    }
    const { result } = await submit(
      { ...options, work: 'search', top, embedding: bytes },
      await workRequest(exchange),
    );
    const computed = await result;
    requireEncoder(computed, index);
    const { nearest = [], gallery: version, encoder: used } = computed;
    response.json({ nearest, encoder: used, gallery: version });
  });

  const paths = ['/v1/verifications', '/v1/embeddings', '/v1/detections', '/v1/searches'];
  router.all(paths, allowMethods('POST'));
  return router;
}

/** @throws {HttpError} 400 unless there are two photos, or one and a person */
function checkSides(photos: readonly CheckedPhoto[], person: string | undefined): void {
  if (photos.length === 2 && person !== undefined) {
    throw peopleError.noField('Send two photos, or one photo and a person, not both.');
  }
  if (photos.length === 1 && person === undefined) {
    throw peopleError.noField('Send a second photo, or the field person with an id or a name.');
  }
}

/** @throws {HttpError} 404 */
export function idOf(index: GalleryIndex, idOrName: string): string {
  if (isPersonId(idOrName)) return personOf(index, idOrName).id;
  const named = index.byName(idOrName.trim().normalize('NFC'));
  if (named === undefined) {
    throw isUnpublished(index) ? peopleError.notPublished() : peopleError.unknownName();
  }
  return personOf(index, named.id).id;
}

/** A worker whose model has another encoder searches its own people, not the live gallery. @throws {HttpError} */
function requireEncoder({ encoder }: WorkResult, index: GalleryIndex): void {
  if (index.encoder !== undefined && index.encoder !== encoder) {
    throw peopleError.otherModel(encoder, index.encoder);
  }
}

/** The faces of a photo. @throws {HttpError} 422 for a photo that is broken or shows none */
function facesOf(result: WorkResult, index: number, files: readonly (string | undefined)[]) {
  const words = photoWords(index, files[index]);
  const photo = result.photos[index];
  if (photo === undefined || 'refused' in photo) {
    throw peopleError.brokenPhoto(words, photo?.refused.message ?? 'it was not computed.');
  }
  if (photo.faces.length === 0) throw peopleError.noFace(words);
  return photo.faces;
}

function verificationOf(result: WorkResult, files: readonly (string | undefined)[]) {
  const sides = files.map((_, index) => facesOf(result, index, files));
  // With a person, the photo's largest face alone is compared.
  const compared: readonly WorkFace[] = sides[1] ?? (sides[0] ?? []).slice(0, 1);
  const faces = (result.pairs ?? [])
    .flatMap((pair, index) => {
      const face = compared[index];
      return face === undefined ? [] : [{ box: face.box, ...pair }];
    })
    .sort((a, b) => a.distance - b.distance);
  const [nearest] = faces;
  if (nearest === undefined) throw peopleError.unknownPerson();
  const { same, distance, odds } = nearest;
  return { same, distance, odds, faces, gallery: result.gallery };
}

function computedOf(
  { photos, encoder, gallery }: WorkResult,
  files: readonly (string | undefined)[],
) {
  return {
    encoder,
    gallery,
    photos: photos.map((photo, index) => {
      const file = files[index];
      if ('refused' in photo) {
        return { file, faces: [], refused: photo.refused.message };
      }
      const { width, height, faces } = photo;
      return { file, width, height, faces: faces.map(({ nearest: _, ...face }) => face) };
    }),
  };
}

function floatBytes(embedding: string | readonly number[]): Uint8Array {
  if (typeof embedding !== 'string') return new Uint8Array(Float32Array.from(embedding).buffer);
  return Buffer.from(embedding, 'base64');
}
