/**
 * EC2's Query protocol on the way in: dotted form names (`Filter.1.Value.2=x`) become a tree of lists and
 * objects, and schemas over it that the requests of many actions share. Knows not one of the actions.
 */

import { z } from 'zod';
import { Ec2Error } from './errors.ts';

/** What a form says: text, a list (names that are numbers, in their order) or named parts. */
export type FormValue = string | readonly FormValue[] | FormObject;
/** Has no prototype, so that a name like `__proto__` is only a name. */
export interface FormObject {
  readonly [name: string]: FormValue;
}

/** Far above anything the SDKs send; keeps a hostile body from costing more than its own length. */
const MOST_PARAMETERS = 10_000;
const MOST_LEVELS = 8;
const LIST_INDEX = /^[1-9]\d{0,4}$/;

interface Node {
  value: string | undefined;
  readonly parts: Map<string, Node>;
}

/**
 * Parses a form body or a query string.
 * @throws {Ec2Error} MalformedQueryString, when a name is given twice, is both a value and a
 * structure, has an empty part or too many, or when there are too many names.
 */
export function parseForm(text: string): FormObject {
  const root = emptyNode();
  let count = 0;
  for (const [name, value] of new URLSearchParams(text)) {
    count += 1;
    if (count > MOST_PARAMETERS) throw malformed(`more than ${MOST_PARAMETERS} parameters`);
    set(root, name, value);
  }
  return namedParts(root);
}

function set(root: Node, name: string, value: string): void {
  const path = name.split('.');
  if (path.length > MOST_LEVELS) throw malformed(`'${clip(name)}' has too many parts`);
  let node = root;
  for (const part of path) {
    if (part === '') throw malformed(`'${clip(name)}' has an empty part`);
    let next = node.parts.get(part);
    if (next === undefined) {
      next = emptyNode();
      node.parts.set(part, next);
    }
    node = next;
  }
  if (node.value !== undefined) throw malformed(`'${clip(name)}' is given twice`);
  node.value = value;
}

function toValue(node: Node): FormValue {
  if (node.parts.size === 0) return node.value ?? '';
  if (node.value !== undefined) {
    throw malformed(`'${clip([...node.parts.keys()][0] ?? '')}' is part of a plain value`);
  }
  const names = [...node.parts.keys()];
  if (!names.every((name) => LIST_INDEX.test(name))) return namedParts(node);
  return [...node.parts].sort(([a], [b]) => Number(a) - Number(b)).map(([, part]) => toValue(part));
}

function namedParts(node: Node): FormObject {
  const object = Object.create(null) as Record<string, FormValue>;
  for (const [name, part] of node.parts) object[name] = toValue(part);
  return object;
}

function emptyNode(): Node {
  return { value: undefined, parts: new Map() };
}

function malformed(reason: string): Ec2Error {
  return new Ec2Error(
    'MalformedQueryString',
    `The query string contains a syntax error: ${reason}`,
  );
}

function clip(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}…` : name;
}

/** An absent list and an empty one are the same on the wire. */
export const list = <T extends z.ZodType>(item: T) => z.array(item).max(1000).default([]);
export const flag = z
  .enum(['true', 'false', 'True', 'False'])
  .transform((text) => /^t/i.test(text));
export const count = (low: number, high: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, { error: 'it must be a whole number' })
    .transform(Number)
    .pipe(z.number().min(low).max(high));

export const filters = list(
  z.strictObject({ Name: z.string().min(1), Value: z.array(z.string()).min(1).max(200) }),
);

export const paging = { MaxResults: count(5, 1000).optional(), NextToken: z.string().optional() };
export const dryRun = { DryRun: flag.default(false) };

/** XML 1.0 has no way to write most control characters, so that no answer could carry them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
export const WRITABLE = /^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]*$/;
export const tag = z.strictObject({
  Key: z
    .string()
    .min(1)
    .max(127, { error: 'tag keys have at most 127 characters' })
    .regex(WRITABLE, { error: 'it holds control characters' })
    .refine((key) => !/^aws:/i.test(key), { error: 'tag keys starting with aws: are reserved' }),
  Value: z
    .string()
    .max(255, { error: 'tag values have at most 255 characters' })
    .regex(WRITABLE, { error: 'it holds control characters' })
    .default(''),
});
export const tags = list(tag).refine(
  (all) => new Set(all.map(({ Key }) => Key)).size === all.length,
  {
    error: 'a tag key is given twice',
  },
);

export const onInstances = z.strictObject({
  ...dryRun,
  InstanceId: z.array(z.string()).min(1).max(1000),
});
