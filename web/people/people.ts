/** `/v1/people`: who is in the gallery, and what is known of each person. */
import { Router } from 'express';
import { type PersonRecord, withFormer } from '../../people/records.ts';
import { allowMethods, noOptions, readOptions } from '../api/route-rules.ts';
import { enrol, personNamed } from './enrol/enrol.ts';
import { enrolmentIds } from './enrol/ids.ts';
import { peopleError } from './errors.ts';
import { personOf } from './gallery/gallery.ts';
import { pageOf, personView } from './gallery/view.ts';
import { idempotencyKey, type PeopleRoutes, workRequest } from './parts.ts';
import { readJson } from './request/json-body.ts';
import {
  addFacesSchema,
  changePersonSchema,
  enrolFormSchema,
  enrolQuerySchema,
  forgetQuerySchema,
  mergeSchema,
  pageQuerySchema,
} from './schemas.ts';

/** Photos of one enrolment. */
export const MOST_ENROLMENT_PHOTOS = 10;

export function peopleRouter(parts: PeopleRoutes): Router {
  const { access, gallery, takeForm } = parts;
  const router = Router();

  router.get('/v1/people', async (request, response) => {
    parts.enter(request, response);
    const options = readOptions(pageQuerySchema, request.query);
    response.json(pageOf(await gallery.now(), options));
  });

  router.post('/v1/people', async (request, response) => {
    const exchange = await parts.open(request, response);
    const key = idempotencyKey(request);
    const rules = { most: MOST_ENROLMENT_PHOTOS, fields: enrolFormSchema, query: enrolQuerySchema };
    const enrolled = await takeForm(rules, request, response, exchange, async (form) => {
      const { accept, add = false, ...person } = form.fields;
      const ids = enrolmentIds(form.photos.length, key, [access.holderOf(request) ?? '', 'people']);
      const enrolee = {
        of: personNamed({ ...person, add }, ids.person),
        ids,
        name: person.name,
        acceptLowQuality: accept === 'low-quality',
      };
      return enrol(form.photos, enrolee, await workRequest(exchange), parts);
    });
    const enrolment = await enrolled();
    response.status(201).location(`/v1/people/${enrolment.person.id}`).json(enrolment);
  });
  router.all('/v1/people', allowMethods('GET, HEAD, POST'));

  router.get('/v1/people/:id', noOptions, async (request, response) => {
    parts.enter(request, response);
    const index = await gallery.now();
    response.json(personView(index, personOf(index, request.params.id)));
  });

  router.patch('/v1/people/:id', noOptions, async (request, response) => {
    parts.enter(request, response);
    const changes = await readJson(changePersonSchema, request, response);
    const given = Object.entries(changes).filter(([, value]) => value !== undefined);
    if (given.length === 0) {
      throw peopleError.noField('Nothing to change: send name, metadata, consent or expires.');
    }
    let person: ReturnType<typeof personView> | undefined;
    const version = await gallery.change((index) => {
      const before = personOf(index, request.params.id);
      const named = changes.name === undefined ? undefined : index.byName(changes.name);
      if (named !== undefined && named.id !== before.id) throw peopleError.renamedToTaken();
      const changed = Object.fromEntries(
        Object.entries({ ...before, ...Object.fromEntries(given) }).filter(
          ([, value]) => value !== null,
        ),
      ) as PersonRecord;
      const kept =
        changed.name === before.name ? changed : withFormer(changed, { names: [before.name] });
      person = personView(index, kept);
      return { kind: 'put', people: [kept], faces: [], words: 'change 1 person' };
    });
    response.json({ person, gallery: version });
  });

  router.delete('/v1/people/:id', async (request, response) => {
    parts.enter(request, response);
    const { answers = false } = readOptions(forgetQuerySchema, request.query);
    const receipt = await parts.forget.person(request.params.id, answers);
    response.location(`/v1/receipts/${receipt.id}`);
    response.status(receipt.status === 'done' ? 200 : 202).json(receipt);
  });
  router.all('/v1/people/:id', allowMethods('GET, HEAD, PATCH, DELETE'));

  router.post('/v1/people/:id/faces', async (request, response) => {
    const exchange = await parts.open(request, response);
    const key = idempotencyKey(request);
    const { id } = request.params;
    const rules = { most: MOST_ENROLMENT_PHOTOS, fields: addFacesSchema, query: addFacesSchema };
    const enrolled = await takeForm(rules, request, response, exchange, async (form) => {
      const ids = enrolmentIds(form.photos.length, key, [access.holderOf(request) ?? '', id]);
      const enrolee = {
        of: (index: Parameters<typeof personOf>[0]) => personOf(index, id),
        ids,
        acceptLowQuality: form.fields.accept === 'low-quality',
      };
      return enrol(form.photos, enrolee, await workRequest(exchange), parts);
    });
    response.status(201).json(await enrolled());
  });
  router.all('/v1/people/:id/faces', allowMethods('POST'));

  router.delete('/v1/people/:id/faces/:face', noOptions, async (request, response) => {
    parts.enter(request, response);
    const { id, face } = request.params;
    let person: ReturnType<typeof personView> | undefined;
    const version = await gallery.change((index) => {
      const record = personOf(index, id);
      const faces = index.facesOf(record.id);
      const found = faces.find((one) => one.id === face.toLowerCase());
      if (found === undefined) throw peopleError.unknownFace();
      if (faces.length === 1) throw peopleError.lastFace();
      const view = personView(index, record);
      person = { ...view, faces: view.faces.filter((one) => one.id !== found.id) };
      return { kind: 'remove', ids: [found.id], words: 'remove 1 face' };
    });
    response.json({ person, gallery: version });
  });
  router.all('/v1/people/:id/faces/:face', allowMethods('DELETE'));

  router.post('/v1/people/:id/merge', noOptions, async (request, response) => {
    parts.enter(request, response);
    const { from } = await readJson(mergeSchema, request, response);
    const into = request.params.id.toLowerCase();
    if (from === into) throw peopleError.mergeWithItself();
    let person: ReturnType<typeof personView> | undefined;
    const version = await gallery.change((index) => {
      const target = personView(index, personOf(index, into));
      const other = personView(index, personOf(index, from));
      person = { ...target, faces: [...target.faces, ...other.faces] };
      return { kind: 'merge', from, into, words: 'merge 2 people' };
    });
    response.json({ person, gallery: version });
  });
  router.all('/v1/people/:id/merge', allowMethods('POST'));
  return router;
}
