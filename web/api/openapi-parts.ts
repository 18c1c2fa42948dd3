/** Pieces that the API's description is put together from. */
import { z } from 'zod';
import { ACCEPTED_FORMATS } from '../../runtime/photo-format/formats.ts';

export const ref = (id: string) => ({ $ref: `#/components/schemas/${id}` });
export const json = (id: string) => ({ 'application/json': { schema: ref(id) } });
export const text = { 'text/plain': { schema: { type: 'string' } } };

export const headers = {
  'X-Request-Id': {
    description: "the request's id",
    schema: { type: 'string', format: 'uuid' },
    required: true,
  },
};

/** Errors are plain text at the contract's address unless JSON is asked for, and problems under /v1. */
export const refusals = (...statuses: readonly number[]) =>
  Object.fromEntries(
    statuses.map((status) => [
      String(status),
      {
        description: 'see /problems',
        content: { 'application/problem+json': { schema: ref('Problem') }, ...text },
      },
    ]),
  );

export const file = {
  type: 'string',
  format: 'binary',
  description: ACCEPTED_FORMATS,
};

export const requestId = {
  name: 'X-Request-Id',
  in: 'header',
  description:
    'An id of your own, a UUID. An id that is not a UUID, or was used before, is replaced by a new one.',
  schema: { type: 'string' },
};

/** The properties of a flat schema of a request as JSON Schema. */
export function properties(schema: z.ZodType): Record<string, object> {
  return z.toJSONSchema(schema, { override: ({ jsonSchema }) => asArray(jsonSchema) })
    .properties as Record<string, object>;
}

/** Generators of clients know arrays of a fixed length better than `prefixItems`. */
export function asArray(schema: z.core.JSONSchema.BaseSchema): void {
  const [first] = schema.prefixItems ?? [];
  if (first === undefined) return;
  schema.items = first;
  schema.minItems = schema.maxItems = (schema.prefixItems ?? []).length;
  delete schema.prefixItems;
}

export const inQuery = (schema: z.ZodType) =>
  Object.entries(properties(schema)).map(
    ([name, { description, ...rest }]: [string, { description?: string }]) => ({
      name,
      in: 'query',
      description,
      schema: rest,
    }),
  );

export const idInPath = (name = 'id') => ({
  name,
  in: 'path',
  required: true,
  schema: { type: 'string', format: 'uuid' },
});
