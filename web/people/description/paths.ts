/** The routes about people in OpenAPI 3.1, made from the schemas that validate requests. */
import type { z } from 'zod';
import {
  changedSchema,
  enrolmentSchema,
  galleryStateSchema,
  galleryVersionsSchema,
  peoplePageSchema,
  personSchema,
  receiptSchema,
  verificationSchema,
} from '../../../people/api.ts';
import { headers, idInPath, inQuery, json, refusals, requestId } from '../../api/openapi-parts.ts';
import { MOST_ENROLMENT_PHOTOS } from '../people.ts';
import {
  addFacesSchema,
  changePersonSchema,
  correctSchema,
  enrolFormSchema,
  enrolQuerySchema,
  forgetQuerySchema,
  mergeSchema,
  pageQuerySchema,
} from '../schemas.ts';
import { comparedPaths, galleryPaths, receiptPaths } from './computed-paths.ts';
import { answers, body, CHANGED, COMPUTED, form, idempotencyKey, located, READ } from './parts.ts';
import {
  detectionsSchema,
  embeddingsSchema,
  importedSchema,
  mistakenSchema,
  receiptKeySchema,
  searchResultSchema,
} from './schemas.ts';

/** By the name that the description gives each. */
export const peopleSchemas: Readonly<Record<string, z.ZodType>> = {
  Person: personSchema,
  People: peoplePageSchema,
  Enrolment: enrolmentSchema,
  Changed: changedSchema,
  Receipt: receiptSchema,
  ReceiptKey: receiptKeySchema,
  Verification: verificationSchema,
  Embeddings: embeddingsSchema,
  Detections: detectionsSchema,
  SearchResult: searchResultSchema,
  Gallery: galleryStateSchema,
  GalleryVersions: galleryVersionsSchema,
  Mistaken: mistakenSchema,
  Imported: importedSchema,
};

export function describePeople(): Record<string, object> {
  return { ...peoplePaths(), ...galleryPaths(), ...comparedPaths(), ...receiptPaths() };
}

function peoplePaths() {
  return {
    '/v1/people': {
      get: {
        operationId: 'people',
        summary: 'The people of the gallery by name, in pages.',
        parameters: inQuery(pageQuerySchema),
        responses: { ...answers('People', 'one page'), ...refusals(...READ) },
      },
      post: {
        operationId: 'enrol',
        summary: `Enrol a person with up to ${MOST_ENROLMENT_PHOTOS} photos that show this person alone.`,
        parameters: [...inQuery(enrolQuerySchema), requestId, idempotencyKey],
        requestBody: form(MOST_ENROLMENT_PHOTOS, enrolFormSchema, ['name']),
        responses: {
          ...answers('Enrolment', 'every request from now on knows the person', 201, located),
          ...refusals(...COMPUTED),
        },
      },
    },
    '/v1/people/{id}': {
      parameters: [idInPath()],
      get: {
        operationId: 'person',
        summary: 'One person with its faces.',
        responses: { ...answers('Person', 'the person'), ...refusals(...READ, 404) },
      },
      patch: {
        operationId: 'changePerson',
        summary: 'Change name, metadata, consent or expiry.',
        requestBody: body(changePersonSchema, { minProperties: 1 }),
        responses: { ...answers('Changed', 'the person now'), ...refusals(...CHANGED) },
      },
      delete: {
        operationId: 'forget',
        summary: 'Forget a person, with a signed receipt.',
        parameters: inQuery(forgetQuerySchema),
        responses: {
          ...answers('Receipt', 'everything is erased', 200, located),
          ...answers(
            'Receipt',
            'nobody is recognised as this person; erasing goes on',
            202,
            located,
          ),
          ...refusals(...READ, 404, 409),
        },
      },
    },
    '/v1/people/{id}/faces': {
      parameters: [idInPath()],
      post: {
        operationId: 'addFaces',
        summary: 'Add faces to a person.',
        parameters: [...inQuery(addFacesSchema), requestId, idempotencyKey],
        requestBody: form(MOST_ENROLMENT_PHOTOS, addFacesSchema),
        responses: {
          ...answers('Enrolment', 'the person with the new faces', 201),
          ...refusals(...COMPUTED, 404),
        },
      },
    },
    '/v1/people/{id}/faces/{face}': {
      parameters: [idInPath(), idInPath('face')],
      delete: {
        operationId: 'removeFace',
        summary: 'Remove one face of a person.',
        responses: { ...answers('Changed', 'the person now'), ...refusals(...CHANGED) },
      },
    },
    '/v1/people/{id}/merge': {
      parameters: [idInPath()],
      post: {
        operationId: 'merge',
        summary: 'Move the faces of another person to this one: two that are one.',
        requestBody: body(mergeSchema),
        responses: { ...answers('Changed', 'the person now'), ...refusals(...CHANGED) },
      },
    },
    '/v1/recognitions/{id}/correct': {
      parameters: [idInPath()],
      post: {
        operationId: 'correct',
        summary: 'Say who it really is: enrols that face, or takes "known" back.',
        requestBody: body(correctSchema, {
          oneOf: ['person', 'name', 'nobody'].map((who) => ({ required: [who] })),
        }),
        responses: {
          200: {
            description: 'it is nobody of the gallery: whom the answer took it for',
            headers,
            content: json('Mistaken'),
          },
          ...answers('Enrolment', 'the face is enrolled', 201, located),
          ...refusals(...COMPUTED, 404),
        },
      },
    },
  };
}
