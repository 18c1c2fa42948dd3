/** The routes about the gallery, comparisons and receipts in OpenAPI 3.1. */
import {
  file,
  headers,
  idInPath,
  inQuery,
  properties,
  refusals,
  requestId,
} from '../../api/openapi-parts.ts';
import { MOST_COMPUTED_PHOTOS } from '../compare.ts';
import {
  galleryQuerySchema,
  rollbackSchema,
  searchSchema,
  verifyFormSchema,
  verifyQuerySchema,
} from '../schemas.ts';
import { answers, body, CHANGED, COMPUTED, form, READ } from './parts.ts';

/** A line that says what the file holds, then one for each person. */
const lines = { type: 'string' };

/** Two photos, or one and a person. */
function pair() {
  const { person, ...options } = properties(verifyFormSchema);
  const photos = (count: number) => ({
    inputFile: { type: 'array', items: file, minItems: count, maxItems: count },
  });
  const side = (fields: object, required: readonly string[]) => ({
    type: 'object',
    required,
    properties: { ...fields, ...options },
    additionalProperties: false,
  });
  const schema = {
    oneOf: [
      side(photos(2), ['inputFile']),
      side({ ...photos(1), person }, ['inputFile', 'person']),
    ],
  };
  return { required: true, content: { 'multipart/form-data': { schema } } };
}

type Paths = Readonly<Record<string, object>>;

export function galleryPaths(): Paths {
  return {
    '/v1/gallery': {
      get: {
        operationId: 'gallery',
        summary: 'The live version of the gallery.',
        responses: { ...answers('Gallery', 'what is live'), ...refusals(...READ) },
      },
    },
    '/v1/gallery/versions': {
      get: {
        operationId: 'galleryVersions',
        summary: 'The live version and those that a rollback can bring back, newest first.',
        responses: { ...answers('GalleryVersions', 'the versions'), ...refusals(...READ) },
      },
    },
    '/v1/people/import': {
      post: {
        operationId: 'importPeople',
        summary: 'Take in people from another deployment with the same encoder, all or none.',
        requestBody: { required: true, content: { 'application/jsonl': { schema: lines } } },
        responses: { ...answers('Imported', 'the people are known'), ...refusals(...CHANGED) },
      },
    },
    '/v1/people/export': {
      get: {
        operationId: 'exportPeople',
        summary: 'All people with their embeddings, as JSON Lines.',
        responses: {
          200: {
            description: 'the file',
            headers,
            content: { 'application/jsonl': { schema: lines } },
          },
          ...refusals(...READ, 404),
        },
      },
    },
    '/v1/gallery/rollback': {
      post: {
        operationId: 'rollback',
        summary: 'Bring an earlier version back, as a new version.',
        requestBody: body(rollbackSchema),
        responses: { ...answers('Gallery', 'what is live now'), ...refusals(...CHANGED) },
      },
    },
  };
}

export function comparedPaths(): Paths {
  const computed = (id: string, summary: string, schema: string) => ({
    post: {
      operationId: id,
      summary,
      parameters: [...inQuery(galleryQuerySchema), requestId],
      requestBody: form(MOST_COMPUTED_PHOTOS, galleryQuerySchema),
      responses: { ...answers(schema, 'the faces of each photo'), ...refusals(...COMPUTED) },
    },
  });
  return {
    '/v1/verifications': {
      post: {
        operationId: 'verify',
        summary:
          'Whether two photos, or a photo and a person of the gallery, show the same person.',
        parameters: [...inQuery(verifyQuerySchema), requestId],
        requestBody: pair(),
        responses: {
          ...answers('Verification', 'the largest face of the first photo, compared'),
          ...refusals(...COMPUTED, 404),
        },
      },
    },
    '/v1/embeddings': computed('embed', 'The embedding and box of each face.', 'Embeddings'),
    '/v1/detections': computed('detect', 'The box and quality of each face.', 'Detections'),
    '/v1/searches': {
      post: {
        operationId: 'search',
        summary: 'The people nearest to an embedding.',
        requestBody: body(searchSchema),
        responses: { ...answers('SearchResult', 'nearest first'), ...refusals(...COMPUTED) },
      },
    },
  };
}

export function receiptPaths(): Paths {
  return {
    '/v1/receipts/{id}': {
      parameters: [idInPath()],
      get: {
        operationId: 'receipt',
        summary: 'The receipt of somebody who was forgotten.',
        responses: { ...answers('Receipt', 'pending or done'), ...refusals(...READ, 404) },
      },
    },
    '/v1/receipts/key': {
      get: {
        operationId: 'receiptKey',
        summary: 'The public key that receipts are signed with.',
        responses: { ...answers('ReceiptKey', 'the key'), ...refusals(...READ) },
      },
    },
  };
}
