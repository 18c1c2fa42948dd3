/** The API's description in OpenAPI 3.1, made from the schemas that validate requests. */
import { z } from 'zod';
import { ERROR_TYPES } from '../error-types.ts';
import { describePeople, peopleSchemas } from '../people/description/paths.ts';
import {
  asArray,
  file,
  headers,
  idInPath,
  inQuery,
  json,
  properties,
  refusals,
  requestId,
  text,
} from './openapi-parts.ts';
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
for (const [id, schema] of Object.entries(peopleSchemas)) registry.add(schema, { id });

/** @param version the package's version */
export function describeApi(version: string): object {
  const options = properties(optionsSchema);
  const { schemas } = z.toJSONSchema(registry, {
    uri: (id) => `#/components/schemas/${id}`,
    override: ({ jsonSchema }) => asArray(jsonSchema),
  });
  return {
    openapi: '3.1.0',
    info: {
      title: 'elastic-face',
      version,
      description: 'Send a photo and get the name of the person in it.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    // Relative to this description's own address, so that it holds under a proxy's path.
    servers: [{ url: './' }],
    security: [{}, { key: [] }],
    paths: {
      '/': {
        get: {
          operationId: 'start',
          summary: 'The page for browsers, or one sentence of help.',
          responses: {
            200: {
              description: 'plain text unless HTML is asked for',
              content: { ...text, 'text/html': { schema: { type: 'string' } } },
            },
          },
        },
        post: {
          operationId: 'recognise',
          summary: 'Recognize one photo. The answer is one line of text, or JSON if asked for.',
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
              description: 'the file name without its extension, a colon, and the nearest name',
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
          summary: `Recognize up to ${MOST_PHOTOS} photos. The answer has a result or a problem for each, in order.`,
          parameters: [
            ...inQuery(optionsSchema),
            requestId,
            {
              name: 'Prefer',
              in: 'header',
              description: '`respond-async`: answer with 202 and the address of the result',
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
              description: 'every photo has a result or a problem',
              headers,
              content: json('Recognition'),
            },
            202: {
              description: 'accepted; ask for the result later',
              headers: { ...headers, Location: { required: true, schema: { type: 'string' } } },
              content: json('Recognition'),
              links: {
                result: { operationId: 'recognition', parameters: { id: '$response.body#/id' } },
              },
            },
            ...refusals(400, 401, 408, 409, 411, 413, 415, 429, 503, 504),
          },
        },
      },
      '/v1/recognitions/{id}': {
        get: {
          operationId: 'recognition',
          summary: `The result of a request with respond-async. \`wait\` keeps the request open for up to ${MOST_WAIT_SECONDS} s.`,
          parameters: [idInPath(), ...inQuery(waitSchema)],
          responses: {
            200: { description: 'the results so far', headers, content: json('Recognition') },
            ...refusals(400, 401, 404, 503),
          },
        },
      },
      ...describePeople(),
      '/problems/{code}': {
        get: {
          operationId: 'problem',
          summary: 'What a problem type means and what to do.',
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
        key: { type: 'http', scheme: 'bearer', description: 'needed if API_KEYS is set' },
      },
    },
  };
}
