/** Pieces of the description of routes about people. */
import { z } from 'zod';
import { asArray, file, headers, json, properties } from '../../api/openapi-parts.ts';

/** Of every request that a worker computes. */
export const COMPUTED = [400, 401, 408, 409, 411, 413, 415, 422, 429, 500, 503, 504] as const;
export const READ = [400, 401, 503] as const;
export const CHANGED = [400, 401, 404, 409, 413, 415, 503] as const;

export const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'A text of your own: a request that is sent again with it enrols nobody twice; other content with the same key is refused.',
  schema: { type: 'string', pattern: '^[ -~]{1,255}$' },
};
export const located = { Location: { required: true, schema: { type: 'string' } } };

export const answers = (schema: string, description: string, status = 200, more: object = {}) => ({
  [status]: { description, headers: { ...headers, ...more }, content: json(schema) },
});

export const form = (photos: number, fields: z.ZodType, required: readonly string[] = []) => ({
  required: true,
  content: {
    'multipart/form-data': {
      schema: {
        type: 'object',
        required: ['inputFile', ...required],
        properties: {
          inputFile: { type: 'array', items: file, minItems: 1, maxItems: photos },
          ...properties(fields),
        },
        additionalProperties: false,
      },
    },
  },
});

/** @param rules what JSON Schema says beside the fields */
export const body = (schema: z.ZodType, rules: object = {}) => {
  const { $schema: _, ...described } = z.toJSONSchema(schema, {
    io: 'input',
    override: ({ jsonSchema }) => asArray(jsonSchema),
  });
  return {
    required: true,
    content: { 'application/json': { schema: { ...described, ...rules } } },
  };
};
