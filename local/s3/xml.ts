/** S3's XML documents, written and read. Knows no operation. */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import type { z } from 'zod';
import { malformedXml } from './errors.ts';

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** Elements by name; an array repeats its element, undefined leaves it out. */
export interface Elements {
  readonly [name: string]: Content | readonly Content[];
}
type Content = string | number | boolean | Elements | undefined;

/** A document with S3's namespace. */
export function documentXml(root: string, elements: Elements): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${NAMESPACE}">${inner(elements)}</${root}>`;
}

/** Errors have no namespace. */
export function errorXml(elements: Elements): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${inner(elements)}</Error>`;
}

function inner(elements: Elements): string {
  let text = '';
  for (const [name, value] of Object.entries(elements)) {
    for (const one of Array.isArray(value) ? (value as readonly Content[]) : [value as Content]) {
      if (one === undefined) continue;
      const content = typeof one === 'object' ? inner(one) : escapeText(String(one));
      text += content === '' ? `<${name}/>` : `<${name}>${content}</${name}>`;
    }
  }
  return text;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/** S3 writes control characters of keys as references, although XML 1.0 has none for them. */
function escapeText(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
    /[&<>"\u0000-\u0008\u000B\u000C\u000D\u000E-\u001F]/g,
    (character) => ENTITIES[character] ?? `&#x${character.charCodeAt(0).toString(16)};`,
  );
}

const parser = new XMLParser({
  parseTagValue: false,
  trimValues: false,
  ignoreAttributes: true,
  // Numeric references, as keys with line ends carry them.
  htmlEntities: true,
  removeNSPrefix: true,
  isArray: (name) => LISTS.has(name),
});
const LISTS = new Set(['Object', 'Part', 'Tag', 'Rule']);

/**
 * Reads a document by a schema.
 * @throws {S3Error} MalformedXML
 */
export function parseXml<T>(body: Buffer, schema: z.ZodType<T>): T {
  const text = body.toString();
  if (XMLValidator.validate(text) !== true) throw malformedXml();
  let tree: unknown;
  try {
    tree = withoutIndentation(parser.parse(text));
  } catch (cause) {
    throw malformedXml(cause);
  }
  const parsed = schema.safeParse(tree);
  if (!parsed.success) throw malformedXml(parsed.error);
  return parsed.data;
}

/** Text between elements is indentation, text of an element without others is its value. */
function withoutIndentation(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutIndentation);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== '#text')
      .map(([name, one]) => [name, withoutIndentation(one)]),
  );
}
