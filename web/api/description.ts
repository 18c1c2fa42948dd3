/** The service's description in OpenAPI 3.1, made from the schemas that requests are checked by. */
import { z } from 'zod';
import { ACCEPTED_FORMATS } from '../../runtime/photo-format/formats.ts';
import { ERROR_TYPES } from '../errors.ts';
import { problemSchema } from './problems.ts';
import {
  MOST_PHOTOS,
  MOST_WAIT_SECONDS,
  oneAnswerSchema,
  optionsSchema,
  photoAnswerSchema,
  recognitionSchema,
  waitSchema,
} from './schemas.ts';

const registry = z
  .registry<{ id: string }>()
  .add(problemSchema, { id: 'Problem' })
  .add(photoAnswerSchema, { id: 'Photo' })
  .add(recognitionSchema, { id: 'Recognition' })
  .add(oneAnswerSchema, { id: 'Answer' });

const ref = (id: string) => ({ $ref: `#/components/schemas/${id}` });
const json = (id: string) => ({ 'application/json': { schema: ref(id) } });
const text = { 'text/plain': { schema: { type: 'string' } } };

const headers = {
  'X-Request-Id': {
    description: "the request's id",
    schema: { type: 'string', format: 'uuid' },
    required: true,
  },
};

/** Refusals are texts at the contract's address unless JSON is asked for, and problems under /v1. */
const refusals = (...statuses: readonly number[]) =>
  Object.fromEntries(
    statuses.map((status) => [
      String(status),
      {
        description: 'see /problems',
        content: { 'application/problem+json': { schema: ref('Problem') }, ...text },
      },
    ]),
  );

const file = {
  type: 'string',
  format: 'binary',
  description: ACCEPTED_FORMATS,
};

const requestId = {
  name: 'X-Request-Id',
  in: 'header',
  description:
    'An id of your own, a UUID. An id that is not a UUID, or was used before, is replaced by a new one.',
  schema: { type: 'string' },
};

/** The properties of a flat schema, as JSON Schema says them. */
function properties(schema: z.ZodType): Record<string, object> {
  return z.toJSONSchema(schema).properties as Record<string, object>;
}

const inQuery = (schema: z.ZodType) =>
  Object.entries(properties(schema)).map(
    ([name, { description, ...rest }]: [string, { description?: string }]) => ({
      name,
      in: 'query',
      description,
      schema: rest,
    }),
  );

/** @param version of the package */
export function describeApi(version: string): object {
  const options = properties(optionsSchema);
  const { schemas } = z.toJSONSchema(registry, { uri: (id) => `#/components/schemas/${id}` });
  return {
    openapi: '3.1.0',
    info: {
      title: 'elastic-face',
      version,
      description: 'Post a photo, read back who it is.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    // Relative to this description's own address, so that it holds under a proxy's path.
    servers: [{ url: './' }],
    security: [{}, { key: [] }],
    paths: {
      '/': {
        get: {
          operationId: 'start',
          summary: 'What to do here, in a sentence or for browsers as a page.',
          responses: {
            200: {
              description: 'a text unless HTML is asked for',
              content: { ...text, 'text/html': { schema: { type: 'string' } } },
            },
          },
        },
        post: {
          operationId: 'recognise',
          summary: 'One photo; the answer is one line, or JSON where it is asked for.',
          parameters: [...inQuery(optionsSchema), requestId],
          requestBody: {
            required: true,
            content: {
              'multipart/form-data': {
                schema: {
                  type: 'object',
                  required: ['inputFile'],
                  properties: { inputFile: file, ...options },
                },
              },
            },
          },
          responses: {
            200: {
              description: 'the file name without its extension, a colon, the nearest name',
              headers,
              content: { ...text, ...json('Answer') },
            },
            ...refusals(400, 401, 408, 409, 413, 415, 422, 429, 500, 503, 504),
          },
        },
      },
      '/v1/recognitions': {
        post: {
          operationId: 'recogniseAll',
          summary: `Up to ${MOST_PHOTOS} photos; each has its result or its problem, in order.`,
          parameters: [
            ...inQuery(optionsSchema),
            requestId,
            {
              name: 'Prefer',
              in: 'header',
              description: '`respond-async`: answer at once with 202 and where the result will be',
              schema: { type: 'string' },
            },
          ],
          requestBody: {
            required: true,
            content: {
              'multipart/form-data': {
                schema: {
                  type: 'object',
                  required: ['inputFile'],
                  properties: {
                    inputFile: { type: 'array', items: file, minItems: 1, maxItems: MOST_PHOTOS },
                    ...options,
                  },
                  additionalProperties: false,
                },
              },
            },
          },
          responses: {
            200: {
              description: 'every photo was dealt with',
              headers,
              content: json('Recognition'),
            },
            202: {
              description: 'taken; ask for the result later',
              headers: { ...headers, Location: { required: true, schema: { type: 'string' } } },
              content: json('Recognition'),
              links: {
                result: { operationId: 'recognition', parameters: { id: '$response.body#/id' } },
              },
            },
            ...refusals(400, 401, 408, 411, 413, 415, 429, 503, 504),
          },
        },
      },
      '/v1/recognitions/{id}': {
        get: {
          operationId: 'recognition',
          summary: `The result of a request with respond-async; \`wait\` up to ${MOST_WAIT_SECONDS} s for it.`,
          parameters: [
            { name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } },
            ...inQuery(waitSchema),
          ],
          responses: {
            200: { description: 'what is known by now', headers, content: json('Recognition') },
            ...refusals(400, 401, 404, 503),
          },
        },
      },
      '/problems/{code}': {
        get: {
          operationId: 'problem',
          summary: 'What a type of problem means, and what to do.',
          parameters: [
            {
              name: 'code',
              in: 'path',
              required: true,
              schema: { type: 'string', enum: Object.keys(ERROR_TYPES) },
            },
          ],
          responses: { 200: { description: 'one line', content: text }, ...refusals(404) },
        },
      },
    },
    components: {
      schemas,
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'where API_KEYS is set' },
      },
    },
  };
}
